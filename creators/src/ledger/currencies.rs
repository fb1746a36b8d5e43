//! The currencies amounts may be in.

use chrono_tz::Tz;

/// The currencies amounts may be in, and where their day begins.
const CURRENCIES: [(&str, Tz); 17] = [
    ("KRW", chrono_tz::Asia::Seoul),
    ("USD", chrono_tz::America::New_York),
    ("JPY", chrono_tz::Asia::Tokyo),
    ("CNY", chrono_tz::Asia::Shanghai),
    ("HKD", chrono_tz::Asia::Hong_Kong),
    ("EUR", chrono_tz::Europe::Berlin),
    ("GBP", chrono_tz::Europe::London),
    ("CHF", chrono_tz::Europe::Zurich),
    ("CAD", chrono_tz::America::Toronto),
    ("AUD", chrono_tz::Australia::Sydney),
    ("SGD", chrono_tz::Asia::Singapore),
    ("TWD", chrono_tz::Asia::Taipei),
    ("VND", chrono_tz::Asia::Ho_Chi_Minh),
    ("INR", chrono_tz::Asia::Kolkata),
    ("IDR", chrono_tz::Asia::Jakarta),
    ("THB", chrono_tz::Asia::Bangkok),
    ("BRL", chrono_tz::America::Sao_Paulo),
];

/// The code of a currency that is known here.
pub fn currency(code: &str) -> Option<&'static str> {
    CURRENCIES.iter().find(|(known, _)| known.eq_ignore_ascii_case(code)).map(|(known, _)| *known)
}

pub(super) fn zone_of(currency: &str) -> Tz {
    CURRENCIES.iter().find(|(known, _)| *known == currency).map_or(Tz::UTC, |(_, zone)| *zone)
}
