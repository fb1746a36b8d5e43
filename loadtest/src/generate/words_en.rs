//! English words for the slots of [`super::text_en`].

/// The choices for the slot `name`, separated by `|`; empty for an unknown one.
pub(crate) fn slot(name: &str) -> &'static str {
    market(name).or_else(|| driver(name)).or_else(|| talk(name)).unwrap_or("")
}

fn market(name: &str) -> Option<&'static str> {
    Some(match name {
        "reason_up" => {
            "foreign buying|rate cut hopes|a calmer won|the buyback|a higher payout|\
             {driver} demand coming back|the {driver} order|short covering|target hikes|\
             {driver} pricing|index inclusion talk|a turn in the cycle"
        }
        "reason_down" => {
            "foreign selling|a weak won|rate fears|{driver} inventory|\
             falling {driver} prices|tariff noise|dilution risk|estimate cuts|\
             cost inflation|a slower economy|profit taking|delayed {driver} spending"
        }
        "macro_good" => {
            "A soft CPI|A dovish FOMC|A rate hold|Cooler jobs data|Lower oil|\
             Exports up {num2}%"
        }
        "macro_bad" => "hot CPI|hawkish FOMC|rate hike|tariff|oil spike|recession talk|weak exports",
        "macro_event" => "CPI|FOMC|payrolls|PCE|the BOK meeting|options expiry|PPI|Jackson Hole",
        "buyer" => {
            "Foreign money|The pension fund|Institutions|Retail|Smart money|\
             Program trading|Local funds"
        }
        "bench" => "KOSPI|the Nasdaq|the S&P|the chip index|{m}",
        "board" => "KOSPI|KOSDAQ|the Nasdaq|futures|the S&P|this board",
        "sector" => {
            "semis|batteries|biotech|defense|banks|autos|software|shipbuilders|games|\
             utilities"
        }
        "line" => {
            "the 20-day|the 50-day|the 200-day|the prior high|the prior low|range support|\
             range resistance|VWAP"
        }
        "chart_up" => {
            "a cup and handle|a double bottom|a base finally done|higher lows everywhere|\
             coiling under resistance"
        }
        "chart_down" => {
            "a double top|a head and shoulders|lower highs all month|a broken trend line|\
             a bear flag"
        }
        "term" => {
            "P/B|EV/EBITDA|ROE|short interest|contango|duration|forward P/E|margin debt|\
             the basis"
        }
        _ => return None,
    })
}

fn driver(name: &str) -> Option<&'static str> {
    Some(match name {
        "driver_chip" => {
            "HBM|foundry|DRAM|NAND|AI server|advanced packaging|data center GPU|\
             on-device AI"
        }
        "driver_battery" => "battery|cathode|ESS|lithium|solid-state|US plant|LFP|EV demand",
        "driver_heavy" => "nuclear order|defense export|gas turbine|SMR|backlog|engine service",
        "driver_car" => "hybrid|EV|self-driving|US volume|robotaxi|incentive|FX",
        "driver_bio" => "biosimilar|CDMO|licensing|phase 3|approval|subcutaneous",
        "driver_bank" => "dividend|net interest margin|buyback|provisions|trading fee|CET1",
        "driver_platform" => "ads|cloud|AI agent|commerce|subscription|capex|AI search|government contract",
        "driver_content" => "new title|world tour|subscriber|IP|album|ad tier|overseas sales",
        "driver_device" => "services|appliance rental|HVAC|upgrade cycle|AI feature|auto parts",
        _ => return None,
    })
}

fn talk(name: &str) -> Option<&'static str> {
    Some(match name {
        "when" => {
            "today|this morning|into the close|this week|lately|since yesterday|premarket|\
             after lunch"
        }
        "q" => "Q1|Q2|Q3|Q4|H1|H2|next quarter|next year",
        "year" => "1 year|2 years|3 years|5 years|10 years|6 months",
        "emoji" => "🙏|🚀|📈|📉|😂|😭|🔥|👍|🥲|🐜|💪|☕",
        "meal" => "lunch|coffee|fried chicken|ramen|a sandwich|tacos|bibimbap|pizza",
        "feel" => "quiet|wild|boring|scary|on fire|a roller coaster|frozen|all over the place",
        "lesson" => {
            "Cash is a position|Size kills|Cut losses early|Don't trade bored|\
             Never average down on hope|Time beats timing|Don't borrow to buy|\
             Scaling in works|Patience pays more than opinions"
        }
        "react_up" => {
            "let's go|unreal|finally|still here|what a day|respect|wow|no way|loading up|\
             told you|nice|sending it|legend|green again|one more share|chef's kiss|\
             never selling|up we go|so good"
        }
        "react_down" => {
            "help|not again|ouch|no way|I'm out|yikes|break even please|what is this|\
             painful|told you|red again|make it stop|so heavy|stopped out|nope|bag secured|\
             send aid|this one hurts"
        }
        "react" => {
            "zzz|same|fair enough|nice|wow|still here|hm|no idea|watching|makes sense|\
             flat as ever|boring|what is this|interesting|we'll see|noted|coin flip|\
             patience|curious|popcorn ready"
        }
        _ => return None,
    })
}
