//! The documents agree with the code: each setting the service reads stands in `.env.example` and in
//! `docs/OPERATIONS.md`, the example names no other and no other default, each metric stands in
//! `docs/OPERATIONS.md`, and each file that a document links to is there.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use madang_core::settings::Settings;

/// The functions of `settings.rs` that read a variable.
const READERS: [&str; 6] = [".text(", ".parse(", ".optional(", ".within(", ".millis(", ".required("];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(name: &str) -> Result<String> {
    let path = root().join(name);
    fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))
}

fn is_variable(text: &str) -> bool {
    text.bytes().any(|b| b.is_ascii_uppercase())
        && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
}

/// The names that `settings.rs` hands to its readers, its own tests apart.
fn known() -> Result<BTreeSet<String>> {
    let source = read("core/src/settings.rs")?;
    let code = source.split("#[cfg(test)]").next().unwrap_or_default();
    let mut names = BTreeSet::new();
    for reader in READERS {
        for call in code.split(reader).skip(1) {
            let literal = call.trim_start().strip_prefix('"');
            let name = literal.and_then(|rest| rest.split('"').next());
            names.extend(name.filter(|name| is_variable(name)).map(ToOwned::to_owned));
        }
    }
    Ok(names)
}

/// A line `NAME=value` of the example.
struct Line {
    name: String,
    value: String,
    /// Optional, and so behind a `#`.
    commented: bool,
}

fn example() -> Result<Vec<Line>> {
    let text = read(".env.example")?;
    let lines = text.lines().filter_map(|line| {
        let bare = line.trim_start_matches('#').trim_start();
        let (name, value) = bare.split_once('=')?;
        is_variable(name).then(|| Line {
            name: name.to_owned(),
            value: value.to_owned(),
            commented: line.starts_with('#'),
        })
    });
    Ok(lines.collect())
}

/// The settings of these lines; the example leaves the signing key empty, so that nobody runs with a
/// key that everybody knows.
fn settings(lines: &[&Line]) -> Result<String> {
    let read = Settings::read(&|name| match name {
        "SIGNING_KEY" => Some("k".repeat(32)),
        _ => lines.iter().find(|line| line.name == name).map(|line| line.value.clone()),
    });
    Ok(format!("{:?}", read?))
}

#[test]
fn every_setting_stands_in_the_example_and_in_the_handbook() -> Result<()> {
    let known = known()?;
    assert!(known.len() >= 40, "the scan found only {known:?}");
    let example: BTreeSet<String> = example()?.into_iter().map(|line| line.name).collect();
    let handbook = read("docs/OPERATIONS.md")?;
    for name in &known {
        assert!(example.contains(name), "{name} is missing in .env.example");
        assert!(handbook.contains(&format!("| `{name}` |")), "{name} has no row in docs/OPERATIONS.md");
    }
    Ok(())
}

#[test]
fn the_example_names_each_setting_once_and_no_unknown_one() -> Result<()> {
    let known = known()?;
    let mut seen = BTreeSet::new();
    for line in example()? {
        assert!(known.contains(&line.name), "nothing reads {} of .env.example", line.name);
        assert!(seen.insert(line.name.clone()), "{} stands twice in .env.example", line.name);
    }
    Ok(())
}

#[test]
fn the_handbook_has_no_row_for_an_unknown_setting() -> Result<()> {
    let known = known()?;
    let handbook = read("docs/OPERATIONS.md")?;
    let rows = handbook
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` |"))
        .map(|(name, _)| name)
        .filter(|name| is_variable(name));
    for name in rows {
        assert!(known.contains(name), "nothing reads {name} of docs/OPERATIONS.md");
    }
    Ok(())
}

#[test]
fn optional_values_of_the_example_are_the_defaults() -> Result<()> {
    let all = example()?;
    let needed: Vec<&Line> = all.iter().filter(|line| !line.commented).collect();
    let every: Vec<&Line> = all.iter().collect();
    assert_eq!(settings(&needed)?, settings(&every)?);
    Ok(())
}

/// The names of metrics in the sources below a folder.
fn metrics_in(folder: &Path, found: &mut BTreeSet<String>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            metrics_in(&path, found)?;
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            let source = fs::read_to_string(&path)?;
            let names = source.split("\"madang_").skip(1).filter_map(|rest| rest.split('"').next());
            let plain = names.filter(|name| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'));
            found.extend(plain.map(|name| format!("madang_{name}")));
        }
    }
    Ok(())
}

#[test]
fn every_metric_stands_in_the_handbook() -> Result<()> {
    let mut metrics = BTreeSet::new();
    for folder in ["core/src", "feed/src", "moderation/src", "creators/src", "search/src", "api/src"] {
        metrics_in(&root().join(folder), &mut metrics)?;
    }
    // What looks like one and is not: the login cookie, the channel that wakes workers, crates.
    let others = ["madang_session", "madang_jobs", "madang_core", "madang_search", "madang_creators"];
    let metrics: Vec<String> = metrics.into_iter().filter(|name| !others.contains(&name.as_str())).collect();
    assert!(metrics.len() >= 15, "the scan found only {metrics:?}");
    let handbook = read("docs/OPERATIONS.md")?;
    for name in metrics {
        let row = handbook.contains(&format!("| `{name}` |")) || handbook.contains(&format!("| `{name}{{"));
        assert!(row, "{name} has no row in docs/OPERATIONS.md");
    }
    Ok(())
}

#[test]
fn every_file_that_a_document_links_to_is_there() -> Result<()> {
    let documents = [
        "README.md",
        "README.ko.md",
        "CONTRIBUTING.md",
        "docs/ARCHITECTURE.md",
        "docs/OPERATIONS.md",
        "docs/RETURNS.md",
        "docs/SEARCH.md",
    ];
    for document in documents {
        let text = read(document)?;
        let folder = root().join(document).parent().context("a document has a folder")?.to_owned();
        let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for link in links.filter(|link| !link.contains("://") && !link.starts_with('#')) {
            let file = link.split('#').next().unwrap_or(link);
            assert!(folder.join(file).exists(), "{document} links to {link}, which is not there");
        }
    }
    Ok(())
}
