/* Every threshold of the labels, once. docs/explanation/labels.md has the rules, and links to how they were
 * chosen. */
#ifndef ECG_RHYTHM_LABELS_RULES_H
#define ECG_RHYTHM_LABELS_RULES_H

#define OWN_VOTES 2        /* a beat's own vote counts as those of so many others */
#define MOST_VOTES 1000    /* of a group; then all are halved, so that it may become another */
#define VENTRICULAR_PART 3 /* a shape is ventricular when more than a third of its votes say so */

#define LIKE_Q11 1848        /* beats of one shape: square of a correlation of 0.95, * 2048 */
#define LEARNING_BEATS 32    /* a shape's mean moves by 1 / 32 of a difference, */
#define ESTABLISHED_BEATS 20 /* and one of so many beats makes room last */

#endif
