/* The application, the same on every board: self-test, then sessions for ever. */
#ifndef ECG_EDGE_APP_H
#define ECG_EDGE_APP_H

#ifdef __cplusplus
extern "C" {
#endif

/* Call after board_init(). Never returns. */
void app_run(void);

#ifdef __cplusplus
}
#endif

#endif
