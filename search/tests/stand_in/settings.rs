//! Settings of an index, refused where the server refuses them.

use serde_json::{Map, Value};

use super::{
    checks::{self, Field, Kind},
    wire::Refusal,
};

/// A few of the languages there are.
const LOCALES: [&str; 10] = ["ko", "kor", "en", "eng", "ja", "jpn", "zh", "zho", "cmn", "de"];
const RULES: [&str; 8] =
    ["words", "typo", "proximity", "attribute", "attributeRank", "wordPosition", "sort", "exactness"];

const FIELDS: [Field; 22] = [
    ("displayedAttributes", Kind::Texts, "invalid_settings_displayed_attributes"),
    ("searchableAttributes", Kind::Texts, "invalid_settings_searchable_attributes"),
    ("filterableAttributes", Kind::Any, "invalid_settings_filterable_attributes"),
    ("sortableAttributes", Kind::Texts, "invalid_settings_sortable_attributes"),
    ("foreignKeys", Kind::Any, "invalid_settings_foreign_keys"),
    ("rankingRules", Kind::Texts, "invalid_settings_ranking_rules"),
    ("stopWords", Kind::Texts, "invalid_settings_stop_words"),
    ("nonSeparatorTokens", Kind::Texts, "invalid_settings_non_separator_tokens"),
    ("separatorTokens", Kind::Texts, "invalid_settings_separator_tokens"),
    ("dictionary", Kind::Texts, "invalid_settings_dictionary"),
    ("synonyms", Kind::Object, "invalid_settings_synonyms"),
    ("distinctAttribute", Kind::Text, "invalid_settings_distinct_attribute"),
    ("proximityPrecision", Kind::Text, "invalid_settings_proximity_precision"),
    ("typoTolerance", Kind::Object, "invalid_settings_typo_tolerance"),
    ("faceting", Kind::Object, "invalid_settings_faceting"),
    ("pagination", Kind::Object, "invalid_settings_pagination"),
    ("embedders", Kind::Object, "invalid_settings_embedders"),
    ("searchCutoffMs", Kind::Uint, "invalid_settings_search_cutoff_ms"),
    ("localizedAttributes", Kind::Any, "invalid_settings_localized_attributes"),
    ("facetSearch", Kind::Bool, "invalid_settings_facet_search"),
    ("prefixSearch", Kind::Text, "invalid_settings_prefix_search"),
    ("chat", Kind::Object, "invalid_settings_index_chat"),
];

/// What the stand-in's search heeds of them.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// `None`: all.
    pub(crate) searchable: Option<Vec<String>>,
    pub(crate) filterable: Vec<String>,
    pub(crate) sortable: Vec<String>,
    pub(crate) rules: Vec<String>,
    pub(crate) separators: Vec<String>,
    pub(crate) dictionary: Vec<String>,
    pub(crate) typos: bool,
    pub(crate) one_typo: usize,
    pub(crate) two_typos: usize,
    pub(crate) exact_attributes: Vec<String>,
    pub(crate) exact_numbers: bool,
    pub(crate) max_hits: usize,
}

impl Default for Settings {
    fn default() -> Self {
        let rules = ["words", "typo", "proximity", "attributeRank", "sort", "wordPosition", "exactness"];
        Self {
            searchable: None,
            filterable: Vec::new(),
            sortable: Vec::new(),
            rules: rules.map(str::to_owned).to_vec(),
            separators: Vec::new(),
            dictionary: Vec::new(),
            typos: true,
            one_typo: 5,
            two_typos: 9,
            exact_attributes: Vec::new(),
            exact_numbers: false,
            max_hits: 1000,
        }
    }
}

fn check_rules(rules: &[String]) -> Result<(), Refusal> {
    let refuse = |message: String| Refusal::new("invalid_settings_ranking_rules", message);
    for rule in rules {
        let custom = rule
            .rsplit_once(':')
            .is_some_and(|(name, way)| !name.is_empty() && matches!(way, "asc" | "desc"));
        if !custom && !RULES.contains(&rule.as_str()) {
            return Err(refuse(format!(
                "Invalid value at `.rankingRules`: `{rule}` ranking rule is invalid. Valid ranking rules are words, \
                 typo, sort, proximity, attribute, exactness and custom ranking rules."
            )));
        }
    }
    let has = |name: &str| rules.iter().any(|rule| rule == name);
    if has("attribute") && (has("attributeRank") || has("wordPosition")) {
        return Err(refuse(
            "Mixed usage of the attribute, attributeRank, and wordPosition ranking rules.".into(),
        ));
    }
    Ok(())
}

/// Whether all are languages that are known.
pub(crate) fn check_locales(locales: &[String], code: &'static str) -> Result<(), Refusal> {
    match locales.iter().find(|locale| !LOCALES.contains(&locale.as_str())) {
        Some(unknown) => {
            let message = format!("Unsupported locale `{unknown}`, expected one of {}", LOCALES.join(", "));
            Err(Refusal::new(code, message))
        }
        None => Ok(()),
    }
}

fn check_localized(value: &Value) -> Result<(), Refusal> {
    let code = "invalid_settings_localized_attributes";
    let Some(rules) = value.as_array() else {
        return Err(Refusal::new(code, "Invalid value type at `.localizedAttributes`: expected an array"));
    };
    for rule in rules {
        let fields: [Field; 2] = [("attributePatterns", Kind::Texts, code), ("locales", Kind::Texts, code)];
        let rule = checks::object(rule, ".localizedAttributes[0]", &fields, code)?;
        let (Some(_), Some(locales)) =
            (checks::texts(&rule, "attributePatterns"), checks::texts(&rule, "locales"))
        else {
            return Err(Refusal::new(code, "Missing field inside `.localizedAttributes[0]`"));
        };
        check_locales(&locales, code)?;
    }
    Ok(())
}

fn filterable(value: &Value) -> Result<Vec<String>, Refusal> {
    let code = "invalid_settings_filterable_attributes";
    let Some(rules) = value.as_array() else {
        return Err(Refusal::new(code, "Invalid value type at `.filterableAttributes`: expected an array"));
    };
    let name = |rule: &Value| rule.as_str().map(str::to_owned);
    rules
        .iter()
        .map(|rule| name(rule).ok_or_else(|| Refusal::new(code, "only names are known here")))
        .collect()
}

/// The settings sent, checked.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    fields: Map<String, Value>,
    filterable: Option<Vec<String>>,
    typo: Map<String, Value>,
    sizes: (Option<u64>, Option<u64>),
    max_hits: Option<u64>,
}

/// Checks settings.
pub(crate) fn check(body: &Value) -> Result<Sent, Refusal> {
    let fields = checks::object(body, "", &FIELDS, "bad_request")?;
    check_rules(&checks::texts(&fields, "rankingRules").unwrap_or_default())?;
    fields.get("localizedAttributes").map(check_localized).transpose()?;
    let (typo, sizes) = typo(&fields)?;
    let code = "invalid_settings_pagination";
    let empty = Value::Object(Map::new());
    let pagination = fields.get("pagination").unwrap_or(&empty);
    let pagination = checks::object(pagination, ".pagination", &[("maxTotalHits", Kind::Uint, code)], code)?;
    let max_hits = pagination.get("maxTotalHits").and_then(Value::as_u64);
    if max_hits == Some(0) {
        return Err(Refusal::new(
            code,
            "Invalid value at `.pagination.maxTotalHits`: a non-zero integer was expected",
        ));
    }
    let filterable = fields.get("filterableAttributes").map(filterable).transpose()?;
    Ok(Sent { filterable, typo, sizes, max_hits, fields })
}

/// The typo settings and their sizes.
type Typo = (Map<String, Value>, (Option<u64>, Option<u64>));

fn typo(fields: &Map<String, Value>) -> Result<Typo, Refusal> {
    let code = "invalid_settings_typo_tolerance";
    let empty = Value::Object(Map::new());
    let known: [Field; 5] = [
        ("enabled", Kind::Bool, code),
        ("minWordSizeForTypos", Kind::Object, code),
        ("disableOnWords", Kind::Texts, code),
        ("disableOnAttributes", Kind::Texts, code),
        ("disableOnNumbers", Kind::Bool, code),
    ];
    let typo = checks::object(fields.get("typoTolerance").unwrap_or(&empty), ".typoTolerance", &known, code)?;
    let known: [Field; 2] = [("oneTypo", Kind::Uint, code), ("twoTypos", Kind::Uint, code)];
    let sizes =
        checks::object(typo.get("minWordSizeForTypos").unwrap_or(&empty), ".typoTolerance", &known, code)?;
    let size = |name: &str| sizes.get(name).and_then(Value::as_u64);
    let (one, two) = (size("oneTypo"), size("twoTypos"));
    let too_big = [one, two].into_iter().flatten().any(|size| size > 255);
    if too_big || one.zip(two).is_some_and(|(one, two)| one > two) {
        return Err(Refusal::new(
            code,
            "Invalid value at `.typoTolerance.minWordSizeForTypos`: `twoTypos` should be greater",
        ));
    }
    Ok((typo, (one, two)))
}

impl Settings {
    /// Takes over what was sent; the rest stays.
    pub(crate) fn apply(&mut self, sent: &Sent) {
        let texts = |name: &str| checks::texts(&sent.fields, name);
        if let Some(searchable) = texts("searchableAttributes") {
            self.searchable = (searchable != ["*"]).then_some(searchable);
        }
        self.filterable = sent.filterable.clone().unwrap_or_else(|| std::mem::take(&mut self.filterable));
        let take = |to: &mut Vec<String>, name: &str| {
            if let Some(new) = texts(name) {
                *to = new;
            }
        };
        take(&mut self.sortable, "sortableAttributes");
        take(&mut self.rules, "rankingRules");
        take(&mut self.separators, "separatorTokens");
        take(&mut self.dictionary, "dictionary");
        if let Some(exact) = checks::texts(&sent.typo, "disableOnAttributes") {
            self.exact_attributes = exact;
        }
        let flag = |name: &str| sent.typo.get(name).and_then(Value::as_bool);
        self.typos = flag("enabled").unwrap_or(self.typos);
        self.exact_numbers = flag("disableOnNumbers").unwrap_or(self.exact_numbers);
        self.one_typo = sent.sizes.0.map_or(self.one_typo, |size| size as usize);
        self.two_typos = sent.sizes.1.map_or(self.two_typos, |size| size as usize);
        self.max_hits = sent.max_hits.map_or(self.max_hits, |hits| hits as usize);
    }
}
