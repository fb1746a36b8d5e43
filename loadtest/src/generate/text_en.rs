//! English sentences of the community, with the slots of [`super::text_ko`] and words from [`super::words_en`].

use super::text::Bank;
use super::words_en;

/// All English sentences.
pub(crate) static BANK: Bank = Bank {
    bull: BULL,
    bear: BEAR,
    flat: FLAT,
    results_good: RESULTS_GOOD,
    results_bad: RESULTS_BAD,
    results_flat: RESULTS_FLAT,
    chat: CHAT,
    list: LIST,
    short: SHORT,
    reply_bull: REPLY_BULL,
    reply_bear: REPLY_BEAR,
    reply_flat: REPLY_FLAT,
    more_bull: MORE_BULL,
    more_bear: MORE_BEAR,
    more_flat: MORE_FLAT,
    more_polite: MORE_FLAT,
    tails: &["!", "...", " lol", " imo", " tbh", " {emoji}", " fwiw", " haha"],
    slot: words_en::slot,
};

const BULL: &[&str] = &[
    "{n} holding {line} while everyone panics. Adding {num2} shares {when}",
    "The {driver} business alone is worth more than what {n} trades at {when}",
    "{buyer} bought {n} {num} days in a row. Flows don't lie",
    "{n} up {pct} on {reason_up}. Still cheap vs {m}",
    "My {n} cost basis is {low} and I'm not selling a share before {target}",
    "{n} weekly chart is {chart_up}. Don't overthink it",
    "Everyone talks about {m}, nobody talks about {n} and its {driver}",
    "Short interest in {n} fell {num2}% since last month. Squeeze fuel {emoji}",
    "{per}x earnings with {driver} growing {num2}%? I'll take {n} all day",
    "Holding {n} for {year} at least. The {driver} story is just getting going",
    "{reason_up} and {n} is only up {pct}. Market is asleep",
    "Bought the {n} dip at {price}, sold nothing, slept great",
    "{macro_good} is exactly what {n} needed",
    "{n} volume {num}x normal {when}. Somebody knows something about {driver}",
    "Raised my {n} target to {target} after going through the {driver} numbers again",
    "Been in {n} for {num} years. {bench} can keep its {pct}",
    "If {driver} margins hold, {n} at {price} is a gift",
    "{n} buyback plus {driver} tailwind. Boring, and I like boring",
    "Trimmed {m}, added {n}. {driver} is the cleaner story",
    "{n} shook out weak hands below {low} and ripped {pct}",
];

const BEAR: &[&str] = &[
    "{n} lost {line}. Next stop {low}",
    "Out of {n} at {price}. {reason_down} isn't in the numbers yet",
    "{per}x for {n} with {reason_down}? No thanks",
    "{buyer} selling {n} {num} sessions straight and retail is catching it",
    "{n} down {pct} on no bounce at all. {chart_down}",
    "{macro_bad} and {n} gets hit first. Sitting on {num2}% cash",
    "Everyone is long {n} for {driver}. Who's left to buy?",
    "Averaged down on {n} {num} times. I am now the float",
    "{n} inventory up {num2}% and nobody on the call asked about it",
    "Bought puts on {n} {when}. {driver} is priced to perfection",
    "{n} rejected at {target} again. Try number {num} was not the charm",
    "{bench} at highs and {n} is {num2}% off. That's a message",
    "{reason_down} makes {n} uninvestable for me until {q}",
    "Stopped out of {n}, minus {pct}. Rules are rules",
    "I like {n}, I don't like {n} at {price}",
    "{driver} is slowing {num2}% a quarter and the {n} crowd calls it a dip",
    "{n} guidance will be cut in {q}, {reason_down} says so",
    "Sold a third of {n}. If {line} breaks, the rest goes too",
];

const FLAT: &[&str] = &[
    "What time does {n} report?",
    "Why is {n} moving {pct} {when}? Can't find any news",
    "{n} or {m} for the next {year}? Pick one",
    "{n} pinned around {price} into {macro_event}",
    "Reading the {n} filing, {num2} pages in. {driver} section is the one that matters",
    "{n} has gone nowhere for {num} weeks. Wake me at {line}",
    "Anyone know the {n} ex-dividend date? Holding {num2} shares",
    "{n} {q} {driver} mix: {num2}% now vs {num2}% a year ago",
    "Watching {n} at {line}, no position",
    "Limit order on {n} at {low}, going to work",
    "How do you all hedge {n} into {macro_event}?",
    "{n} market cap is within {num2}% of {m} now",
    "My partner asked what {n} does. {num2} minutes later I'm not sure either",
    "Refreshed the {n} quote {num2} times in one meeting. Personal best",
    "{n} after hours {pct}, thin volume. Means nothing. Probably",
    "Does anyone trade {n} from Seoul? Is {rate} a decent rate to convert at",
    "{n} deck in one line: {driver}, {driver}, and FX",
    "Korean investors keep buying {n}, {num} weeks running",
    "Deleted the app after buying {n}. See you in {year}",
    "Is {n} at {price} fair? My model says {target}, my gut says {low}",
];

const RESULTS_GOOD: &[&str] = &[
    "{n} beat! {driver} up {num2}% and guidance raised",
    "{n} numbers are out and wow. Operating income {pct} above consensus",
    "{n} up {pct} after hours. {driver} did all the work {emoji}",
    "On the {n} call: {driver} orders up {num2}%. Bears are quiet",
    "{n} just raised the dividend too? {target} here we come",
    "{n} {q} beat by {pct}. Margin of {num2}% is unreal",
    "{num} minutes after the print and {n} is already {pct} higher",
];

const RESULTS_BAD: &[&str] = &[
    "{n} missed. {driver} down {num2}%, {reason_down} is real",
    "{n} cut guidance. {low} on the table now",
    "{n} off {pct} after hours. Not sleeping tonight",
    "{n} call: they dodged the {driver} question {num} times",
    "Revenue fine, margin down {num2}%. {n} holders deserve better",
    "{n} inventory write-down of {num2}%, 'one-off' {num} quarters in a row",
    "Consensus was already cut and {n} still missed by {pct}",
];

const RESULTS_FLAT: &[&str] = &[
    "{n} in line. Sales up {num2}%, profit off {pct}, said {driver} {num} times",
    "Anyone have a link to the {n} call? Starts in {num2} minutes",
    "{n} printed, now it's all about {driver} guidance",
    "{n} moved {pct} both ways in {num2} minutes. Results season is fun",
    "Read the {n} release {num} times, still can't tell if it's good",
];

const CHAT: &[&str] = &[
    "{macro_event} in {num} hours and I'm {num2}% cash. Feels wrong either way",
    "{macro_good} and {board} still red. Explain",
    "{macro_bad}. {board} is going to hurt tomorrow",
    "Up {pct} {when}. {meal} is on me",
    "Down {pct} {when}. {meal} for the rest of the week",
    "{num} years of investing taught me: {lesson}",
    "{lesson}. Learned it {num2} times",
    "Won at {rate} to the dollar. Not converting here",
    "{board} is {feel} {when}",
    "{num2} tabs open, zero trades. Productive day",
    "Beginner question: what does {term} actually tell me? Read {num} articles already",
    "Trading journal day {num2}: broke {num} rules, made {pct}",
    "Rotation out of {sector} into {sector}, {num} days now",
    "Dividend day! Enough for {meal}, {num} times over",
    "This week: {macro_event}, {macro_event}, then options expiry",
    "I buy, it drops. I sell, it rips. {num} years of data",
    "{num2} minutes to the open and I already want to overtrade",
    "Anyone else just watch {board} from bed until {num}am?",
    "Goal was {num2}% this year. Sitting at {pct}. {num} months left",
    "{sector} feels {feel}. Flows say {num2}% lighter than last month",
];

const LIST: &[&str] = &[
    "Watchlist: {names}. {driver} first, then the rest, over {num} months",
    "{names} - which one do you hold for {year}?",
    "Bought {names} today, {num} shares each",
    "{names} all moving together {when}. It's {macro_event} again",
    "{names}: {num} months with this mix so far. Started because of {driver}",
    "Portfolio: {names} and {num2}% cash",
    "Ran {names} side by side: {n} is cheapest at {per}x",
    "{names} report within {num} days of each other. Marked the calendar",
    "After {macro_event} I look at {names}, in that order. {line} decides",
    "{names} in the retirement account for {num} years. Total {bigpct}",
];

const SHORT: &[&str] = &[
    "{n} {react}",
    "{n} {pct} {react}",
    "{react} {n} at {price}",
    "{n} {line} {react}",
    "{n} {when}: {react}",
    "{num2} shares of {n}, {react}",
];

const REPLY_BULL: &[&str] = &[
    "Same, holding {num2} shares. {target} is fair",
    "{to}agree on {driver}. Added {num2}% more at {price}",
    "{reason_up} is all you need to know",
    "{to}bears said that at {low} too",
    "{buyer} flows {num} days running, hard to argue with",
    "This. {n} vs {m} isn't even close on {driver}",
    "If {line} holds I'm buying more {n} with you",
    "Glad I read this before selling, up {bigpct} since",
];

const REPLY_BEAR: &[&str] = &[
    "{to}isn't {driver} already in the price at {per}x?",
    "Sold {num2}% at {price}. Sleeping better",
    "{reason_down} though. {low} wouldn't surprise me",
    "{to}people said the same {num} months ago, it's down {pct} since",
    "I'd rather own {m} here",
    "One {macro_bad} headline and that thesis is gone",
    "{line} breaks and we talk again",
];

const REPLY_FLAT: &[&str] = &[
    "{to}source for the {driver} number?",
    "Thanks for the summary, could you add {q}?",
    "lol {react} {emoji}",
    "{to}how many shares? I'm at {num2}",
    "What's your cost basis? Mine is {low}",
    "{lesson}. Write that down {num} times",
    "Isn't that {m}? {n} is more about {driver}",
    "Ask me again after {macro_event} {emoji}",
    "Missed this one {num2} times already",
    "{to}funniest thing I read {when}",
    "You'd also want to look at {term} here",
    "{pct}? {react}",
    "Comments on {n} are {feel} {when}",
    "{to}{react}, {react}",
];

const MORE_BULL: &[&str] = &[
    "{reason_up} only helps.",
    "{buyer} has been on the bid {num} days.",
    "{driver} isn't even {num2}% priced in.",
    "Adding {num2}% more if {line} holds.",
    "It was {low} not long ago.",
    "{m} already had its run, this one hasn't.",
    "Discount to {bench} is {num2}%, too wide.",
    "By {q} {driver} shows up in the numbers.",
    "Target {target}, no rush.",
];

const MORE_BEAR: &[&str] = &[
    "{reason_down} is not over.",
    "{buyer} hasn't stopped selling for {num} days.",
    "Below {line} there is air until {low}.",
    "{driver} hopes should have died {num} months ago.",
    "Any bounce meets supply near {target}.",
    "{bench} does fine without it.",
    "Heard estimates for {q} come down {num2}%.",
    "Cheapest loss is the first one.",
    "Cash at {num2}%, watching the rest.",
];

const MORE_FLAT: &[&str] = &[
    "Waiting for {macro_event}.",
    "Could be wrong, do your own work.",
    "If you know {driver} well, please comment.",
    "Turnover is {num2}% lighter than usual.",
    "{lesson}, that never changes.",
    "FX at {rate} changes the math too.",
    "Keep an eye on {m} as well.",
    "Read the filing {num} times, {term} is the key part.",
    "{board} is {feel} {when}.",
    "Average of the last {num} quarters was {pct}.",
    "First check whether it stays above {line}.",
    "Position stays under {num2}%.",
    "See if it trades with {sector} or on its own.",
    "Capex up {num2}%, underlined twice.",
    "Positioning should ease after expiry.",
    "{buyer} was on the other side {num} weeks ago, which is interesting.",
    "Chart says {chart_up}, the numbers say wait.",
    "The other camp sees {chart_down}.",
    "Weekly candles, {num2} of them, beat staring at the daily.",
    "Back to work now.",
];
