/* Second-stage boot loader of the RP2040. The chip's boot ROM copies the first 256 bytes of the flash to the end of
 * the RAM, compares the CRC-32 of 252 of them with the last 4 (firmware/scripts/boot2_crc.py writes those), and runs
 * them there. This one lets the flash appear at 0x10000000 through its plain serial read command 03h, which every flash
 * has, then starts the image behind it. That command is slow, which matters only once: startup.c copies the program
 * into the RAM. Registers: RP2040 data sheet, 2.8.1 (boot) and 4.10 (SSI). */
    .syntax unified
    .cpu cortex-m0plus
    .thumb

    .equ XIP_SSI_BASE, 0x18000000
    .equ SSI_CTRLR0, 0x00
    .equ SSI_CTRLR1, 0x04
    .equ SSI_SSIENR, 0x08
    .equ SSI_BAUDR, 0x14
    .equ SSI_SPI_CTRLR0, 0xF4

    .equ CLOCK_DIVIDER, 4         /* 31 MHz at 125 MHz; 03h is specified up to 50 MHz on the Pico's W25Q16JV */
    .equ FRAME_32_BITS, 31 << 16
    .equ EEPROM_READ, 3 << 8      /* send command and address, then receive */
    .equ READ_03H, 0x03 << 24
    .equ COMMAND_8_BITS, 2 << 8
    .equ ADDRESS_24_BITS, 6 << 2

    .equ IMAGE, 0x10000100        /* its vector table */
    .equ VTOR, 0xE000ED08

    .section .boot2, "ax"
    .thumb_func
    .global boot2
boot2:
    ldr r3, =XIP_SSI_BASE
    movs r0, #0
    str r0, [r3, #SSI_SSIENR]
    movs r1, #CLOCK_DIVIDER
    str r1, [r3, #SSI_BAUDR]
    ldr r1, =FRAME_32_BITS | EEPROM_READ
    str r1, [r3, #SSI_CTRLR0]
    str r0, [r3, #SSI_CTRLR1]     /* one frame a read */
    ldr r1, =READ_03H | COMMAND_8_BITS | ADDRESS_24_BITS
    movs r2, #SSI_SPI_CTRLR0
    str r1, [r3, r2]
    movs r0, #1
    str r0, [r3, #SSI_SSIENR]

    ldr r0, =IMAGE
    ldr r1, =VTOR
    str r0, [r1]
    ldmia r0!, {r1, r2}           /* stack and Reset_Handler */
    msr msp, r1
    bx r2
    .ltorg
