/* Of this computer as a board: LIVE without a host is an option of the program, and scripts have samples of
 * any record, around 0 or around the middle of 11 bits. */
#ifndef ECG_EDGE_NATIVE_H
#define ECG_EDGE_NATIVE_H

extern unsigned char native_live_alone;

#define BOARD_LIVE_ALONE native_live_alone
#define BOARD_ADC_LEAST (-2048)
#define BOARD_ADC_MOST 2047

#endif
