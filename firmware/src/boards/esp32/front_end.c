#include "front_end.h"

#include "driver/gpio.h"
#include "ecg_board/calibration.h"
#include "ecg_core/ecg_core.h"
#include "esp_adc/adc_cali.h"
#include "esp_adc/adc_cali_scheme.h"
#include "esp_adc/adc_oneshot.h"
#include "pins.h"

#define RANGE ADC_ATTEN_DB_12 /* 0 to some 3.1 V */
#define BATTERY_DIVIDER 2

static adc_oneshot_unit_handle_t adc;
static adc_cali_handle_t chip; /* NULL: the chip has no calibration */
static ecg_calibration_t calibration;

/* The scheme that the chip has in its fuses. */
static bool open_scheme(void) {
#if ADC_CALI_SCHEME_CURVE_FITTING_SUPPORTED
    const adc_cali_curve_fitting_config_t config = {
        .unit_id = ADC_UNIT_1, .chan = BOARD_ECG_CHANNEL, .atten = RANGE, .bitwidth = ADC_BITWIDTH_12};
    return adc_cali_create_scheme_curve_fitting(&config, &chip) == ESP_OK;
#else
    const adc_cali_line_fitting_config_t config = {
        .unit_id = ADC_UNIT_1, .atten = RANGE, .bitwidth = ADC_BITWIDTH_12, .default_vref = 1100};
    return adc_cali_create_scheme_line_fitting(&config, &chip) == ESP_OK;
#endif
}

/* The voltages at a few readings; between them the arithmetic is that of every board. */
static bool read_voltages(uint16_t millivolts[ECG_CALIBRATION_KNOTS]) {
    for (uint32_t knot = 0; knot < ECG_CALIBRATION_KNOTS; knot++) {
        int voltage = 0;
        if (adc_cali_raw_to_voltage(chip, ecg_calibration_knot(knot), &voltage) != ESP_OK || voltage < 0) {
            return false;
        }
        millivolts[knot] = (uint16_t)voltage;
    }
    return true;
}

static void init_calibration(void) {
    uint16_t millivolts[ECG_CALIBRATION_KNOTS];
    if (!open_scheme()) {
        chip = NULL;
    }
    if (chip == NULL || !read_voltages(millivolts) || !ecg_calibration_set(&calibration, millivolts)) {
        ecg_calibration_none(&calibration);
    }
}

static void init_adc(void) {
    const adc_oneshot_unit_init_cfg_t unit = {.unit_id = ADC_UNIT_1};
    const adc_oneshot_chan_cfg_t channel = {.atten = RANGE, .bitwidth = ADC_BITWIDTH_12};
    ESP_ERROR_CHECK(adc_oneshot_new_unit(&unit, &adc));
    ESP_ERROR_CHECK(adc_oneshot_config_channel(adc, BOARD_ECG_CHANNEL, &channel));
#if BOARD_HAS_BATTERY
    ESP_ERROR_CHECK(adc_oneshot_config_channel(adc, BOARD_BATTERY_CHANNEL, &channel));
#endif
}

void front_end_init(void) {
    const gpio_config_t leads = {
        .pin_bit_mask = (1ULL << BOARD_LO_PLUS_PIN) | (1ULL << BOARD_LO_MINUS_PIN),
        .mode = GPIO_MODE_INPUT,
    };
    ESP_ERROR_CHECK(gpio_config(&leads));
    init_adc();
    init_calibration();
}

bool front_end_convert(int16_t *sample_adu) {
    int reading = 0;
    const bool is_read = adc_oneshot_read(adc, BOARD_ECG_CHANNEL, &reading) == ESP_OK;
    *sample_adu = ecg_calibration_apply(&calibration, (uint16_t)reading);
    return is_read;
}

uint8_t front_end_lead_flags(void) {
    const unsigned plus = gpio_get_level(BOARD_LO_PLUS_PIN) ? ECG_CORE_LEAD_OFF_PLUS : 0u;
    const unsigned minus = gpio_get_level(BOARD_LO_MINUS_PIN) ? ECG_CORE_LEAD_OFF_MINUS : 0u;
    return (uint8_t)(plus | minus);
}

uint16_t front_end_battery_mv(void) {
    int millivolts = 0;
#if BOARD_HAS_BATTERY
    int reading = 0;
    if (chip == NULL || adc_oneshot_read(adc, BOARD_BATTERY_CHANNEL, &reading) != ESP_OK ||
        adc_cali_raw_to_voltage(chip, reading, &millivolts) != ESP_OK) {
        return 0;
    }
#endif
    return (uint16_t)(millivolts * BATTERY_DIVIDER);
}
