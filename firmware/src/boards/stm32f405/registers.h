/* The few registers of the STM32F405 that this firmware uses (reference manual RM0090, ARMv7-M manual). */
#ifndef ECG_EDGE_STM32F405_REGISTERS_H
#define ECG_EDGE_STM32F405_REGISTERS_H

#include <stdint.h>

typedef struct {
    volatile uint32_t CR, PLLCFGR, CFGR, CIR, AHB1RSTR, AHB2RSTR, AHB3RSTR, reserved0, APB1RSTR, APB2RSTR,
        reserved1[2], AHB1ENR, AHB2ENR, AHB3ENR, reserved2, APB1ENR, APB2ENR;
} rcc_t;

typedef struct {
    volatile uint32_t ACR, KEYR, OPTKEYR, SR, CR;
} flash_t;

typedef struct {
    volatile uint32_t KR, PR, RLR, SR;
} iwdg_t;

typedef struct {
    volatile uint32_t MODER, OTYPER, OSPEEDR, PUPDR, IDR, ODR, BSRR, LCKR, AFRL, AFRH;
} gpio_t;

typedef struct {
    volatile uint32_t CR1, CR2, SMCR, DIER, SR, EGR, CCMR1, CCMR2, CCER, CNT, PSC, ARR, reserved, CCR1, CCR2,
        CCR3, CCR4;
} tim_t;

typedef struct {
    volatile uint32_t SR, DR, BRR, CR1, CR2, CR3, GTPR;
} usart_t;

typedef struct {
    volatile uint32_t SR, CR1, CR2, SMPR1, SMPR2, JOFR[4], HTR, LTR, SQR1, SQR2, SQR3, JSQR, JDR[4], DR;
} adc_t;

/* Of all ADCs together. */
typedef struct {
    volatile uint32_t CSR, CCR, CDR;
} adc_common_t;

typedef struct {
    volatile uint32_t CTRL, LOAD, VAL, CALIB;
} systick_t;

#define RCC ((rcc_t *)0x40023800u)
#define RCC_CSR (*(volatile uint32_t *)0x40023874u)
#define IWDG ((iwdg_t *)0x40003000u)
#define FLASH ((flash_t *)0x40023C00u)
#define GPIOA ((gpio_t *)0x40020000u)
#define GPIOB ((gpio_t *)0x40020400u)
#define GPIOC ((gpio_t *)0x40020800u)
#define TIM4 ((tim_t *)0x40000800u)
#define USART1 ((usart_t *)0x40011000u)
#define ADC1 ((adc_t *)0x40012000u)
#define ADC_COMMON ((adc_common_t *)0x40012300u)
#define SYSTICK ((systick_t *)0xE000E010u)
#define NVIC_ISER ((volatile uint32_t *)0xE000E100u)
#define SCB_ICSR (*(volatile uint32_t *)0xE000ED04u)
#define SCB_SHPR3 (*(volatile uint32_t *)0xE000ED20u)
#define SCB_CPACR (*(volatile uint32_t *)0xE000ED88u)

#define RCC_CR_HSIRDY (1u << 1)
#define RCC_CR_HSEON (1u << 16)
#define RCC_CR_HSERDY (1u << 17)
#define RCC_CR_PLLON (1u << 24)
#define RCC_CR_PLLRDY (1u << 25)
#define RCC_PLLCFGR_SRC_HSE (1u << 22)
#define RCC_CFGR_SW_PLL 2u
#define RCC_CFGR_SWS_MASK (3u << 2)
#define RCC_CFGR_SWS_PLL (2u << 2)
#define RCC_CFGR_PPRE1_DIV2 (4u << 10)
#define RCC_CFGR_PPRE1_DIV4 (5u << 10)
#define RCC_CFGR_PPRE2_DIV2 (4u << 13)
#define RCC_AHB1ENR_GPIOABC 7u
#define RCC_APB1ENR_TIM4 (1u << 2)
#define RCC_APB2ENR_USART1 (1u << 4)
#define RCC_APB2ENR_ADC1 (1u << 8)

#define FLASH_ACR_2_WAIT_STATES_CACHED 0x702u
#define FLASH_ACR_5_WAIT_STATES_CACHED 0x705u

#define FLASH_ACR_DCEN (1u << 10)
#define FLASH_ACR_DCRST (1u << 12)
#define FLASH_KEY1 0x45670123u
#define FLASH_KEY2 0xCDEF89ABu
#define FLASH_SR_ERRORS 0xF2u
#define FLASH_SR_BSY (1u << 16)
#define FLASH_CR_PG 1u
#define FLASH_CR_SER (1u << 1)
#define FLASH_CR_SNB_AT 3u
#define FLASH_CR_WORDS (2u << 8)
#define FLASH_CR_STRT (1u << 16)
#define FLASH_CR_LOCK (1u << 31)

#define RCC_CSR_RMVF (1u << 24)

#define IWDG_START 0xCCCCu
#define IWDG_UNLOCK 0x5555u
#define IWDG_FEED 0xAAAAu
#define IWDG_PRESCALER_64 4u

#define USART_SR_ORE (1u << 3)
#define USART_SR_RXNE (1u << 5)
#define USART_SR_TXE (1u << 7)
#define USART_CR1_RE (1u << 2)
#define USART_CR1_TE (1u << 3)
#define USART_CR1_RXNEIE (1u << 5)
#define USART_CR1_UE (1u << 13)

#define TIM_CR1_CEN 1u
#define TIM_CCMR2_OC3_PWM (6u << 4)
#define TIM_CCER_CC3 (1u << 8)

#define ADC_SR_EOC (1u << 1)
#define ADC_CR2_ADON 1u
#define ADC_CR2_SWSTART (1u << 30)
#define ADC_CCR_DIV4 (1u << 16)

#define SYSTICK_CTRL_ENABLE 1u
#define SYSTICK_CTRL_TICKINT 2u
#define SYSTICK_CTRL_CPU_CLOCK 4u

#define SCB_ICSR_PENDSTSET (1u << 26)
#define SCB_SHPR3_SYSTICK_LOWEST (0xFFu << 24)

#define IRQ_USART1 37u

/* Start the clock of peripherals. They take no write in the first cycles after that (errata, "Delay after an
 * RCC peripheral clock enabling"): the register is read back first. */
static inline void rcc_start(volatile uint32_t *enable, uint32_t bits) {
    *enable |= bits;
    (void)*enable;
}

#endif
