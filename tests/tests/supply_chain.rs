//! What the dependency graph may hold: licences, banned crates, sources and doubled versions, by the
//! rules of `deny.toml`. It stands in for `cargo deny check licenses bans sources` where installing
//! cargo-deny would cost minutes, and covers every platform's dependencies, as cargo-deny does.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

// --- the rules ---------------------------------------------------------------------------------

/// The part of `deny.toml` that is checked here.
struct Policy {
    licences: BTreeSet<String>,
    exceptions: BTreeMap<String, BTreeSet<String>>,
    banned: BTreeSet<String>,
    single: BTreeSet<String>,
    registries: BTreeSet<String>,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn section<'a>(table: &'a toml::Table, name: &str) -> Result<&'a toml::Table> {
    let section = table.get(name).and_then(toml::Value::as_table);
    section.with_context(|| format!("deny.toml has no [{name}]"))
}

fn list<'a>(table: &'a toml::Table, key: &str) -> Result<&'a Vec<toml::Value>> {
    let list = table.get(key).and_then(toml::Value::as_array);
    list.with_context(|| format!("deny.toml: {key} should be a list"))
}

fn strings(table: &toml::Table, key: &str) -> Result<BTreeSet<String>> {
    let texts = list(table, key)?.iter().map(|value| {
        let text = value.as_str().with_context(|| format!("{key} should hold strings"))?;
        Ok(text.to_owned())
    });
    texts.collect()
}

/// cargo-deny also takes `name@1.0` and `name:<2`; such a rule must not pass here unseen.
fn crate_name(entry: &toml::Table) -> Result<String> {
    let name = entry.get("crate").and_then(toml::Value::as_str);
    let name = name.context("deny.toml: an entry without `crate`")?;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    ensure!(name.chars().all(plain), "deny.toml: `{name}` is more than a name");
    Ok(name.to_owned())
}

fn read_policy() -> Result<Policy> {
    let text = std::fs::read_to_string(root().join("deny.toml")).context("deny.toml")?;
    let table: toml::Table = text.parse()?;
    let licenses = section(&table, "licenses")?;
    let sources = section(&table, "sources")?;

    let mut exceptions = BTreeMap::new();
    for entry in list(licenses, "exceptions")? {
        let entry = entry.as_table().context("an exception should be a table")?;
        exceptions.insert(crate_name(entry)?, strings(entry, "allow")?);
    }
    let (mut banned, mut single) = (BTreeSet::new(), BTreeSet::new());
    for entry in list(section(&table, "bans")?, "deny")? {
        let entry = entry.as_table().context("a ban should be a table")?;
        let only_doubled = entry.get("deny-multiple-versions").and_then(toml::Value::as_bool);
        let list = if only_doubled == Some(true) { &mut single } else { &mut banned };
        list.insert(crate_name(entry)?);
    }
    ensure!(list(sources, "allow-git")?.is_empty(), "git sources are not understood here");
    Ok(Policy {
        licences: strings(licenses, "allow")?,
        exceptions,
        banned,
        single,
        registries: strings(sources, "allow-registry")?,
    })
}

// --- the graph ---------------------------------------------------------------------------------

/// One package of the resolved graph.
struct Package {
    name: String,
    version: String,
    licence: Option<String>,
    source: Option<String>,
    in_workspace: bool,
}

fn read_graph() -> Result<Vec<Package>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--all-features"])
        .current_dir(root())
        .output()
        .context("failed to start cargo metadata")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "cargo metadata failed: {said}");

    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let array = |key: &str| {
        let array = metadata.get(key).and_then(serde_json::Value::as_array);
        array.with_context(|| format!("cargo metadata printed no {key}"))
    };
    let members: BTreeSet<_> =
        array("workspace_members")?.iter().filter_map(serde_json::Value::as_str).collect();
    let packages = array("packages")?.iter().map(|package| {
        let text = |key: &str| package.get(key).and_then(serde_json::Value::as_str);
        Ok(Package {
            name: text("name").context("a package without a name")?.to_owned(),
            version: text("version").context("a package without a version")?.to_owned(),
            licence: text("license").map(str::to_owned),
            source: text("source").map(str::to_owned),
            in_workspace: text("id").is_some_and(|id| members.contains(id)),
        })
    });
    let packages: Vec<Package> = packages.collect::<Result<_>>()?;
    // Otherwise a change in cargo's output would let every check below pass on nothing.
    ensure!(packages.len() > 100 && !members.is_empty(), "cargo metadata printed too little");
    Ok(packages)
}

fn report(complaints: &[String]) -> Result<()> {
    ensure!(complaints.is_empty(), "{}", complaints.join("\n"));
    Ok(())
}

// --- SPDX licence expressions --------------------------------------------------------------------

/// Whether `expression` can be satisfied with licences that `accepts` says yes to. `AND` binds closer
/// than `OR`; `/` is cargo's old way to write `OR`; `A WITH B` is one licence of its own.
fn is_satisfied(expression: &str, accepts: &dyn Fn(&str) -> bool) -> Result<bool> {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut words = Words { left: spaced.split_whitespace().collect(), accepts };
    words.left.reverse();
    let satisfied = words.alternatives().with_context(|| format!("in `{expression}`"))?;
    match words.left.pop() {
        None => Ok(satisfied),
        Some(word) => bail!("`{word}` is unexpected in `{expression}`"),
    }
}

/// The words of an expression not yet read, the next one last. Each method reads on to the end of
/// its part whatever the part's value, so that an error anywhere is found.
struct Words<'a> {
    left: Vec<&'a str>,
    accepts: &'a dyn Fn(&str) -> bool,
}

impl<'a> Words<'a> {
    fn next_is(&mut self, word: &str) -> bool {
        self.left.pop_if(|next| *next == word).is_some()
    }

    fn alternatives(&mut self) -> Result<bool> {
        let mut satisfied = self.requirements()?;
        while self.next_is("OR") {
            satisfied |= self.requirements()?;
        }
        Ok(satisfied)
    }

    fn requirements(&mut self) -> Result<bool> {
        let mut satisfied = self.licence()?;
        while self.next_is("AND") {
            satisfied &= self.licence()?;
        }
        Ok(satisfied)
    }

    fn licence(&mut self) -> Result<bool> {
        if self.next_is("(") {
            let satisfied = self.alternatives()?;
            ensure!(self.next_is(")"), "a parenthesis stays open");
            return Ok(satisfied);
        }
        let name = self.name()?;
        if self.next_is("WITH") {
            let exception = self.name()?;
            return Ok((self.accepts)(&format!("{name} WITH {exception}")));
        }
        Ok((self.accepts)(name))
    }

    fn name(&mut self) -> Result<&'a str> {
        match self.left.pop() {
            Some(word) if !["AND", "OR", "WITH", "(", ")"].contains(&word) => Ok(word),
            Some(word) => bail!("`{word}` stands where a licence should"),
            None => bail!("it ends where a licence should stand"),
        }
    }
}

// --- checks on our graph -------------------------------------------------------------------------

#[test]
fn every_dependency_has_a_licence_that_we_accept() -> Result<()> {
    let policy = read_policy()?;
    let none = BTreeSet::new();
    let mut complaints = Vec::new();
    for package in read_graph()? {
        let extra = policy.exceptions.get(&package.name).unwrap_or(&none);
        let accepts = |name: &str| policy.licences.contains(name) || extra.contains(name);
        let licence = package.licence.as_deref().unwrap_or_default();
        match is_satisfied(licence, &accepts) {
            Ok(true) => {}
            Ok(false) => complaints.push(format!("{}: {licence} is not accepted", package.name)),
            Err(error) => complaints.push(format!("{}: {error:#}", package.name)),
        }
    }
    report(&complaints)
}

#[test]
fn no_banned_crate_is_in_the_graph() -> Result<()> {
    let policy = read_policy()?;
    ensure!(!policy.banned.is_empty(), "deny.toml bans nothing");
    let mut found = read_graph()?;
    found.retain(|package| policy.banned.contains(&package.name));
    let complaint = |package: &Package| format!("{} {} is banned", package.name, package.version);
    report(&found.iter().map(complaint).collect::<Vec<_>>())
}

#[test]
fn every_dependency_comes_from_an_allowed_registry_or_the_workspace() -> Result<()> {
    let policy = read_policy()?;
    let mut strangers = read_graph()?;
    strangers.retain(|package| match &package.source {
        None => !package.in_workspace,
        Some(source) => {
            let url = source.strip_prefix("registry+").or(source.strip_prefix("sparse+"));
            !url.is_some_and(|url| policy.registries.contains(url))
        }
    });
    let complaint = |p: &Package| format!("{} comes from {:?}", p.name, p.source);
    report(&strangers.iter().map(complaint).collect::<Vec<_>>())
}

#[test]
fn crates_that_must_not_be_doubled_have_one_version() -> Result<()> {
    let policy = read_policy()?;
    ensure!(!policy.single.is_empty(), "deny.toml wants nothing to be single");
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in read_graph()? {
        versions.entry(package.name).or_default().insert(package.version);
    }
    versions.retain(|name, versions| policy.single.contains(name) && versions.len() > 1);
    let complaint = |(name, versions)| format!("{name} is there in versions {versions:?}");
    report(&versions.iter().map(complaint).collect::<Vec<_>>())
}

// --- checks on the evaluator ---------------------------------------------------------------------

fn satisfied_by(allowed: &[&str], expression: &str) -> Result<bool> {
    is_satisfied(expression, &|name| allowed.contains(&name))
}

#[test]
fn one_alternative_is_enough_and_every_requirement_is_needed() -> Result<()> {
    assert!(satisfied_by(&["MIT"], "MIT")?);
    assert!(!satisfied_by(&["MIT"], "Apache-2.0")?);
    assert!(satisfied_by(&["MIT"], "GPL-3.0-only OR MIT")?);
    assert!(!satisfied_by(&["MIT"], "GPL-3.0-only AND MIT")?);
    assert!(satisfied_by(&["MIT", "ISC"], "ISC AND MIT")?);
    Ok(())
}

#[test]
fn a_slash_means_or() -> Result<()> {
    assert!(satisfied_by(&["MIT"], "Unlicense/MIT")?);
    assert!(satisfied_by(&["MIT"], "MIT / Apache-2.0")?);
    assert!(!satisfied_by(&["ISC"], "MIT/Apache-2.0")?);
    Ok(())
}

#[test]
fn and_binds_closer_than_or_and_parentheses_closer_still() -> Result<()> {
    assert!(satisfied_by(&["MIT"], "MIT OR Apache-2.0 AND ISC")?);
    assert!(satisfied_by(&["MIT"], "Apache-2.0 AND ISC OR MIT")?);
    assert!(!satisfied_by(&["MIT"], "(MIT OR Apache-2.0) AND ISC")?);
    assert!(satisfied_by(&["MIT", "ISC"], "((MIT OR Apache-2.0)) AND ISC")?);
    Ok(())
}

#[test]
fn a_licence_with_an_exception_is_another_licence() -> Result<()> {
    let expression = "Apache-2.0 WITH LLVM-exception OR GPL-2.0-only";
    assert!(!satisfied_by(&["Apache-2.0", "LLVM-exception"], expression)?);
    assert!(satisfied_by(&["Apache-2.0 WITH LLVM-exception"], expression)?);
    Ok(())
}

#[test]
fn a_broken_expression_is_refused_even_where_its_start_would_do() {
    for broken in ["", "MIT OR", "MIT AND", "MIT Apache-2.0", "(MIT", "MIT)", "OR MIT", "MIT WITH"] {
        assert!(satisfied_by(&["MIT"], broken).is_err(), "{broken}");
    }
}
