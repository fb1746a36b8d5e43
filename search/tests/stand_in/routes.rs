//! What is asked, route by route.

use serde_json::{Map, Value, json};

use super::{
    checks::{self, Field, Kind},
    filter::{self, Filter},
    search::{self, Asked},
    settings,
    tasks::{Index, State, Work},
    wire::{Answer, Refusal, Request},
};

const SEARCH_FIELDS: [Field; 23] = [
    ("q", Kind::Text, "invalid_search_q"),
    ("offset", Kind::Uint, "invalid_search_offset"),
    ("limit", Kind::Uint, "invalid_search_limit"),
    ("page", Kind::Uint, "invalid_search_page"),
    ("hitsPerPage", Kind::Uint, "invalid_search_hits_per_page"),
    ("attributesToRetrieve", Kind::Texts, "invalid_search_attributes_to_retrieve"),
    ("attributesToCrop", Kind::Texts, "invalid_search_attributes_to_crop"),
    ("cropLength", Kind::Uint, "invalid_search_crop_length"),
    ("cropMarker", Kind::Text, "invalid_search_crop_marker"),
    ("attributesToHighlight", Kind::Texts, "invalid_search_attributes_to_highlight"),
    ("highlightPreTag", Kind::Text, "invalid_search_highlight_pre_tag"),
    ("highlightPostTag", Kind::Text, "invalid_search_highlight_post_tag"),
    ("showMatchesPosition", Kind::Bool, "invalid_search_show_matches_position"),
    ("showRankingScore", Kind::Bool, "invalid_search_show_ranking_score"),
    ("showRankingScoreDetails", Kind::Bool, "invalid_search_show_ranking_score_details"),
    ("filter", Kind::Any, "invalid_search_filter"),
    ("sort", Kind::Texts, "invalid_search_sort"),
    ("distinct", Kind::Text, "invalid_search_distinct"),
    ("facets", Kind::Texts, "invalid_search_facets"),
    ("matchingStrategy", Kind::Text, "invalid_search_matching_strategy"),
    ("attributesToSearchOn", Kind::Texts, "invalid_search_attributes_to_search_on"),
    ("rankingScoreThreshold", Kind::Number, "invalid_search_ranking_score_threshold"),
    ("locales", Kind::Texts, "invalid_search_locales"),
];

type Done = Result<Answer, Refusal>;

fn ok(body: Value) -> Answer {
    Answer::new(200, body)
}

fn accepted(summary: Value) -> Answer {
    Answer::new(202, summary)
}

/// An answer of the web framework, not of the server.
const fn bare(status: u16) -> Answer {
    Answer { status, body: None }
}

fn check_uid(uid: &str) -> Result<(), Refusal> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if uid.is_empty() || uid.len() > 400 || !uid.chars().all(fits) {
        return Err(Refusal::new("invalid_index_uid", format!("`{uid}` is not a valid index uid.")));
    }
    Ok(())
}

/// Answers a request.
pub(crate) fn answer(state: &mut State, request: &Request) -> Answer {
    let parts: Vec<&str> = request.path.split('/').filter(|part| !part.is_empty()).collect();
    let method = request.method.as_str();
    let done = match (method, parts.as_slice()) {
        ("GET", ["health"]) => Ok(ok(json!({ "status": "available" }))),
        ("POST", ["indexes"]) => create(state, request),
        ("GET", ["indexes", uid]) => get_index(state, uid),
        ("DELETE", ["indexes", uid]) => check_uid(uid).map(|()| accepted(state.enter(Some(uid), Work::Drop))),
        ("PATCH", ["indexes", uid, "settings"]) => set(state, uid, request),
        ("POST" | "PUT", ["indexes", uid, "documents"]) => put(state, uid, request),
        ("POST", ["indexes", uid, "documents", "delete-batch"]) => delete(state, uid, request),
        ("POST", ["indexes", uid, "documents", "fetch"]) => fetch(state, uid, request),
        ("GET", ["indexes", uid, "documents", id]) => document(state, uid, id, request),
        ("POST", ["indexes", uid, "search"]) => find(state, uid, request),
        ("POST", ["swap-indexes"]) => swap(state, request),
        ("GET", ["tasks"]) => tasks(state, request),
        ("GET", ["tasks", uid]) => task(state, uid),
        (_, ["health" | "indexes" | "swap-indexes" | "tasks", ..]) => Ok(bare(405)),
        _ => Ok(bare(404)),
    };
    done.unwrap_or_else(Answer::from)
}

fn index<'a>(state: &'a State, uid: &str) -> Result<&'a Index, Refusal> {
    check_uid(uid)?;
    state.indexes.get(uid).ok_or_else(|| Refusal::new("index_not_found", format!("Index `{uid}` not found.")))
}

fn create(state: &mut State, request: &Request) -> Done {
    let fields =
        [("uid", Kind::Text, "invalid_index_uid"), ("primaryKey", Kind::Text, "invalid_index_primary_key")];
    let fields = checks::object(&checks::json(request)?, "", &fields, "bad_request")?;
    let Some(uid) = fields.get("uid").and_then(Value::as_str) else {
        return Err(Refusal::new("missing_index_uid", "Missing field `uid`"));
    };
    check_uid(uid)?;
    let primary_key = fields.get("primaryKey").and_then(Value::as_str).map(str::to_owned);
    Ok(accepted(state.enter(Some(uid), Work::Create { primary_key })))
}

fn get_index(state: &State, uid: &str) -> Done {
    let index = index(state, uid)?;
    let when = "2026-01-02T03:04:05.678901234Z";
    Ok(ok(json!({ "uid": uid, "createdAt": when, "updatedAt": when, "primaryKey": index.primary_key })))
}

fn set(state: &mut State, uid: &str, request: &Request) -> Done {
    check_uid(uid)?;
    let sent = settings::check(&checks::json(request)?)?;
    Ok(accepted(state.enter(Some(uid), Work::Settings(Box::new(sent)))))
}

/// The parameters of a URL, refused if unknown.
fn known(request: &Request, names: &[&str]) -> Result<(), Refusal> {
    match request.query.iter().find(|(name, _)| !names.contains(&name.as_str())) {
        Some((name, _)) => Err(Refusal::new("bad_request", format!("Unknown parameter `{name}`"))),
        None => Ok(()),
    }
}

fn put(state: &mut State, uid: &str, request: &Request) -> Done {
    check_uid(uid)?;
    known(request, &["primaryKey", "csvDelimiter", "customMetadata", "skipCreation"])?;
    let documents = match checks::json(request)? {
        Value::Array(documents) => documents,
        one @ Value::Object(_) => vec![one],
        other => {
            return Err(Refusal::new("malformed_payload", format!("expected documents, found `{other}`")));
        }
    };
    if let Some(other) = documents.iter().find(|document| !document.is_object()) {
        return Err(Refusal::new(
            "malformed_payload",
            format!("invalid type: expected a document, found `{other}`"),
        ));
    }
    let primary_key = request.query.iter().find(|(name, _)| name == "primaryKey").map(|(_, key)| key.clone());
    let partly = request.method == "PUT";
    Ok(accepted(state.enter(Some(uid), Work::Put { documents, primary_key, partly })))
}

fn delete(state: &mut State, uid: &str, request: &Request) -> Done {
    check_uid(uid)?;
    let Value::Array(ids) = checks::json(request)? else {
        return Err(Refusal::new("bad_request", "Json deserialize error: invalid type: expected a sequence"));
    };
    let ids = ids.iter().map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned)).collect();
    Ok(accepted(state.enter(Some(uid), Work::Delete { ids })))
}

fn parsed(text: &str, index: &Index, code: &'static str) -> Result<Option<Filter>, Refusal> {
    let Some(filter) = filter::parse(text).map_err(|message| Refusal::new(code, message))? else {
        return Ok(None);
    };
    match filter.names().into_iter().find(|name| !index.settings.filterable.iter().any(|known| known == name))
    {
        Some(name) => {
            let known = index.settings.filterable.join(", ");
            let message = format!(
                "Attribute `{name}` is not filterable. Available filterable attribute patterns are: `{known}`."
            );
            Err(Refusal::new(code, message))
        }
        None => Ok(Some(filter)),
    }
}

/// A filter as sent: a text, or a list of texts and of lists of alternatives, which all must hold.
fn filter_of(value: Option<&Value>, index: &Index, code: &'static str) -> Result<Option<Filter>, Refusal> {
    let invalid = || Refusal::new(code, "Invalid syntax for the filter parameter: expected String, Array");
    match value {
        None => Ok(None),
        Some(Value::String(text)) => parsed(text, index, code),
        Some(Value::Array(items)) => {
            let mut all = Vec::new();
            for item in items {
                match item {
                    Value::String(text) => all.extend(parsed(text, index, code)?),
                    Value::Array(some) => {
                        let texts: Result<Vec<&str>, Refusal> =
                            some.iter().map(|text| text.as_str().ok_or_else(invalid)).collect();
                        let mut any = Vec::new();
                        for text in texts? {
                            any.extend(parsed(text, index, code)?);
                        }
                        all.push(Filter::Or(any));
                    }
                    _ => return Err(invalid()),
                }
            }
            Ok((!all.is_empty()).then_some(Filter::And(all)))
        }
        Some(_) => Err(invalid()),
    }
}

fn sort_of(
    fields: &Map<String, Value>,
    index: &Index,
    code: &'static str,
) -> Result<Vec<(String, bool)>, Refusal> {
    let mut out = Vec::new();
    for one in checks::texts(fields, "sort").unwrap_or_default() {
        let Some((name, way @ ("asc" | "desc"))) = one.rsplit_once(':') else {
            let message = format!(
                "Invalid syntax for the sort parameter: expected expression ending by `:asc` or `:desc`, found `{one}`."
            );
            return Err(Refusal::new(code, message));
        };
        if !index.settings.sortable.iter().any(|known| known == name) {
            return Err(Refusal::new(code, format!("Attribute `{name}` is not sortable.")));
        }
        out.push((name.to_owned(), way == "asc"));
    }
    Ok(out)
}

fn picked(document: &Map<String, Value>, names: Option<&[String]>) -> Value {
    match names {
        None => Value::Object(document.clone()),
        Some(names) if names.iter().any(|name| name == "*") => Value::Object(document.clone()),
        Some(names) => document
            .iter()
            .filter(|(name, _)| names.contains(name))
            .map(|(n, v)| (n.clone(), v.clone()))
            .collect(),
    }
}

fn uint(fields: &Map<String, Value>, name: &str, otherwise: u64) -> usize {
    fields.get(name).and_then(Value::as_u64).unwrap_or(otherwise) as usize
}

fn fetch(state: &State, uid: &str, request: &Request) -> Done {
    let fields: [Field; 7] = [
        ("offset", Kind::Uint, "invalid_document_offset"),
        ("limit", Kind::Uint, "invalid_document_limit"),
        ("fields", Kind::Texts, "invalid_document_fields"),
        ("retrieveVectors", Kind::Bool, "invalid_document_retrieve_vectors"),
        ("ids", Kind::Any, "invalid_document_ids"),
        ("filter", Kind::Any, "invalid_document_filter"),
        ("sort", Kind::Texts, "invalid_document_sort"),
    ];
    let fields = checks::object(&checks::json(request)?, "", &fields, "bad_request")?;
    let index = index(state, uid)?;
    let filter = filter_of(fields.get("filter"), index, "invalid_document_filter")?;
    let sort = sort_of(&fields, index, "invalid_document_sort")?;
    let (offset, limit) = (uint(&fields, "offset", 0), uint(&fields, "limit", 20));
    let documents = index.documents.iter().map(|(_, document)| document);
    let all: Vec<_> =
        documents.filter(|document| filter.as_ref().is_none_or(|filter| filter.holds(document))).collect();
    let (all, names) = (search::sorted(all, &sort), checks::texts(&fields, "fields"));
    let page: Vec<Value> =
        all.iter().skip(offset).take(limit).map(|document| picked(document, names.as_deref())).collect();
    Ok(ok(json!({ "results": page, "offset": offset, "limit": limit, "total": all.len() })))
}

fn document(state: &State, uid: &str, id: &str, request: &Request) -> Done {
    known(request, &["fields", "retrieveVectors"])?;
    match index(state, uid)?.documents.iter().find(|(known, _)| known == id) {
        Some((_, document)) => Ok(ok(Value::Object(document.clone()))),
        None => Err(Refusal::new("document_not_found", format!("Document `{id}` not found."))),
    }
}

fn find(state: &State, uid: &str, request: &Request) -> Done {
    let fields = checks::object(&checks::json(request)?, "", &SEARCH_FIELDS, "bad_request")?;
    settings::check_locales(
        &checks::texts(&fields, "locales").unwrap_or_default(),
        "invalid_search_locales",
    )?;
    let strategy = fields.get("matchingStrategy").and_then(Value::as_str).unwrap_or("last");
    if !["last", "all", "frequency"].contains(&strategy) {
        let message = format!(
            "Unknown value `{strategy}` at `.matchingStrategy`: expected one of `last`, `all`, `frequency`"
        );
        return Err(Refusal::new("invalid_search_matching_strategy", message));
    }
    let index = index(state, uid)?;
    let filter = filter_of(fields.get("filter"), index, "invalid_search_filter")?;
    let sort = sort_of(&fields, index, "invalid_search_sort")?;
    let query = fields.get("q").and_then(Value::as_str).unwrap_or_default();
    let asked = Asked { query, sort, all: strategy == "all" };
    let hits =
        search::search(index, &asked, |document| filter.as_ref().is_none_or(|filter| filter.holds(document)));
    // What lies beyond the most hits is cut without a word.
    let most = index.settings.max_hits;
    let offset = uint(&fields, "offset", 0).min(most);
    let limit = uint(&fields, "limit", 20).min(most - offset);
    let names = checks::texts(&fields, "attributesToRetrieve");
    let details = fields.get("showRankingScoreDetails") == Some(&Value::Bool(true)) && strategy != "all";
    let hit = |(words, document): &(search::Words, &Map<String, Value>)| {
        let mut hit = picked(document, names.as_deref());
        if details {
            let words = json!({ "order": 0, "matchingWords": words.matching, "maxMatchingWords": words.most, "score": 1.0 });
            hit["_rankingScoreDetails"] = json!({ "words": words });
        }
        hit
    };
    let page: Vec<Value> = hits.iter().skip(offset).take(limit).map(hit).collect();
    Ok(ok(json!({
        "hits": page, "query": query, "processingTimeMs": 0, "limit": limit, "offset": offset,
        "estimatedTotalHits": hits.len().min(most),
    })))
}

fn swap(state: &mut State, request: &Request) -> Done {
    let body = checks::json(request)?;
    let Some(items) = body.as_array() else {
        return Err(Refusal::new("bad_request", "Invalid value type: expected an array"));
    };
    let (mut swaps, mut names) = (Vec::new(), Vec::new());
    for item in items {
        let fields =
            [("indexes", Kind::Texts, "invalid_swap_indexes"), ("rename", Kind::Bool, "invalid_swap_rename")];
        let fields = checks::object(item, "[0]", &fields, "bad_request")?;
        let Some(pair) = checks::texts(&fields, "indexes") else {
            return Err(Refusal::new("missing_swap_indexes", "Missing field `indexes`"));
        };
        let [left, right] = pair.as_slice() else {
            return Err(Refusal::new("invalid_swap_indexes", "Two indexes must be given for each swap."));
        };
        pair.iter().try_for_each(|uid| check_uid(uid))?;
        names.extend(pair.clone());
        let rename = fields.get("rename").and_then(Value::as_bool).unwrap_or(false);
        swaps.push((left.clone(), right.clone(), rename));
    }
    let twice = names.iter().find(|name| names.iter().filter(|other| other == name).count() > 1);
    if let Some(name) = twice {
        let message = format!(
            "Indexes must be declared only once during a swap. `{name}` was specified several times."
        );
        return Err(Refusal::new("invalid_swap_duplicate_index_found", message));
    }
    Ok(accepted(state.enter(None, Work::Swap(swaps))))
}

fn tasks(state: &mut State, request: &Request) -> Done {
    known(request, &["types", "statuses", "limit", "indexUids", "uids", "from", "reverse"])?;
    let of =
        |wanted: &str| request.query.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    let list = |wanted: &str| of(wanted).map(|all| all.split(',').map(str::to_owned).collect::<Vec<_>>());
    let (types, statuses) = (list("types"), list("statuses"));
    let known = ["enqueued", "processing", "succeeded", "failed", "canceled"];
    if let Some(unknown) = statuses.iter().flatten().find(|status| !known.contains(&status.as_str())) {
        return Err(Refusal::new("invalid_task_statuses", format!("Task status `{unknown}` is invalid.")));
    }
    let Ok(limit) = of("limit").unwrap_or("20").parse::<usize>() else {
        return Err(Refusal::new("invalid_task_limit", "Invalid value in parameter `limit`"));
    };
    let has = |list: &Option<Vec<String>>, one: &str| {
        list.as_ref().is_none_or(|list| list.iter().any(|known| known == one))
    };
    let all =
        state.tasks.iter().rev().filter(|task| has(&types, task.work.kind()) && has(&statuses, task.status));
    let results: Vec<Value> = all.map(super::tasks::Task::view).collect();
    let total = results.len();
    let results: Vec<Value> = results.into_iter().take(limit).collect();
    Ok(ok(json!({ "results": results, "total": total, "limit": limit, "from": null, "next": null })))
}

fn task(state: &mut State, uid: &str) -> Done {
    let Ok(at) = uid.parse::<usize>() else {
        return Err(Refusal::new("invalid_task_uids", format!("Task uid `{uid}` is invalid.")));
    };
    match state.tasks.get(at) {
        Some(task) => Ok(ok(task.view())),
        None => Err(Refusal::new("task_not_found", format!("Task `{uid}` not found."))),
    }
}
