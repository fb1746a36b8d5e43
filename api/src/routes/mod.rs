//! The table of routes: which address, for whom, at which rate, by which handler, and what it says in the
//! API document. A route exists only by standing here, and cannot stand here without naming its access.

mod ambassadors;
mod community;
mod creators;
mod moderation;
mod search;

use std::collections::{BTreeMap, HashMap};

use actix_web::{
    Route, guard,
    http::Method,
    web::{self, ServiceConfig},
};
use madang_core::users::Role;

use crate::{handlers::operations, limits::Rate, problem::Problem};

/// Who may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Everybody, logged in or not.
    Public,
    /// People and staff, not programs.
    Person,
    /// Everybody who is logged in, programs too.
    LoggedIn,
    /// Those who decide cases.
    Moderator,
    /// Those of them who also set rules and answer for the others.
    Senior,
    /// Those who act on rights claims.
    Legal,
    /// Those who run the place.
    Admin,
    /// The broker's own systems.
    Service,
}

impl Access {
    /// Refuses everybody it does not name.
    pub(crate) fn check(self, role: Option<Role>) -> Result<(), Problem> {
        match (self, role) {
            (Self::Public, _) | (Self::LoggedIn, Some(_)) => Ok(()),
            (_, None) => Err(Problem::unauthorized("log in first: POST /v1/auth/login")),
            (Self::Person, Some(role)) if role != Role::Service => Ok(()),
            (Self::Moderator, Some(role)) if role.moderates() => Ok(()),
            (Self::Senior, Some(role)) if role.is_senior() => Ok(()),
            (Self::Legal, Some(Role::Legal | Role::Admin))
            | (Self::Admin, Some(Role::Admin))
            | (Self::Service, Some(Role::Service)) => Ok(()),
            (Self::Moderator, Some(_)) => Err(Problem::forbidden("wrong_role", "this is for moderators")),
            (Self::Senior, Some(_)) => Err(Problem::forbidden("wrong_role", "this is for senior moderators")),
            (Self::Legal, Some(_)) => Err(Problem::forbidden("wrong_role", "this is for the role legal")),
            (Self::Admin, Some(_)) => Err(Problem::forbidden("wrong_role", "this is for admins")),
            (Self::Service, Some(_)) => {
                Err(Problem::forbidden("wrong_role", "this is for the broker's service account"))
            }
            (Self::Person, Some(_)) => {
                Err(Problem::forbidden("wrong_role", "a service account cannot do what people do"))
            }
        }
    }

    /// Whether that role may ask; `None` is nobody logged in.
    #[cfg(test)]
    pub(crate) fn admits(self, role: Option<Role>) -> bool {
        self.check(role).is_ok()
    }
}

/// What the API document says of a route.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Doc {
    /// One line.
    pub(crate) summary: &'static str,
    /// Schema of the body.
    pub(crate) body: Option<&'static str>,
    /// Success status and schema of the answer, empty for none.
    pub(crate) answer: (u16, &'static str),
    /// Query parameters by name.
    pub(crate) query: &'static [&'static str],
}

/// One route.
pub(crate) struct Operation {
    /// GET, POST, …
    pub(crate) method: Method,
    /// Address with names in braces.
    pub(crate) path: &'static str,
    /// Who may ask.
    pub(crate) access: Access,
    /// Which quota it uses up.
    pub(crate) rate: Rate,
    /// Whether the answer goes on until the client leaves.
    pub(crate) streams: bool,
    /// Whether it is open to suspended accounts, though it writes.
    pub(crate) open_to_suspended: bool,
    /// What the API document says.
    pub(crate) doc: Doc,
    route: fn() -> Route,
}

impl Operation {
    const fn body(mut self, schema: &'static str) -> Self {
        self.doc.body = Some(schema);
        self
    }

    const fn query(mut self, names: &'static [&'static str]) -> Self {
        self.doc.query = names;
        self
    }

    const fn answer(mut self, status: u16, schema: &'static str) -> Self {
        self.doc.answer = (status, schema);
        self
    }

    const fn streaming(mut self) -> Self {
        self.streams = true;
        self
    }

    /// Open to suspended accounts: objecting, and leaving.
    const fn for_suspended(mut self) -> Self {
        self.open_to_suspended = true;
        self
    }
}

fn op(
    (method, path): (Method, &'static str),
    access: Access,
    rate: Rate,
    summary: &'static str,
    route: fn() -> Route,
) -> Operation {
    let doc = Doc { summary, body: None, answer: (204, ""), query: &[] };
    Operation { method, path, access, rate, streams: false, open_to_suspended: false, doc, route }
}

const PAGE: &[&str] = &["limit", "cursor"];
const ORDERED_PAGE: &[&str] = &["order", "limit", "cursor"];

/// Every route there is.
pub(crate) fn operations() -> Vec<Operation> {
    let mut all = community::routes();
    all.extend(moderation::routes());
    all.extend(creators::routes());
    all.extend(ambassadors::routes());
    all.extend(search::routes());
    all.extend(operation_routes());
    all
}

fn operation_routes() -> Vec<Operation> {
    let free = |path, summary, route| op((Method::GET, path), Access::Public, Rate::Free, summary, route);
    vec![
        free("/", "To the API document", || web::to(operations::root)).answer(302, ""),
        free("/healthz", "Whether the process is alive", || web::to(operations::healthz)).answer(200, "text"),
        free("/readyz", "Whether it can serve", || web::to(operations::readyz)).answer(200, "Readiness"),
        free("/metrics", "Prometheus metrics", || web::to(operations::metrics)).answer(200, "text"),
        free("/openapi.json", "This document", || web::to(operations::openapi)).answer(200, "any"),
        free("/docs", "This document, to be read", || web::to(operations::docs)).answer(302, ""),
        free("/docs/{file:.*}", "Its files", || web::to(operations::docs_file)).answer(200, "text"),
    ]
}

/// What the guard knows of one address.
#[derive(Debug)]
pub(crate) struct ResourceRules {
    /// The address as in the table.
    pub(crate) pattern: &'static str,
    rules: Vec<(Method, Rule)>,
}

/// How one method of an address is guarded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule {
    /// Who may ask.
    pub(crate) access: Access,
    /// Which quota it uses up.
    pub(crate) rate: Rate,
    /// Whether the answer goes on.
    pub(crate) streams: bool,
    /// Whether suspended accounts may ask.
    pub(crate) open_to_suspended: bool,
}

impl ResourceRules {
    pub(crate) fn rule(&self, method: &Method) -> Option<Rule> {
        self.rules.iter().find(|(known, _)| known == method).map(|(_, rule)| *rule)
    }

    pub(crate) fn allowed(&self) -> String {
        self.rules.iter().map(|(method, _)| method.as_str()).collect::<Vec<_>>().join(", ")
    }
}

/// What the guard knows of all addresses.
#[derive(Debug)]
pub(crate) struct RouteTable(HashMap<&'static str, ResourceRules>);

impl RouteTable {
    pub(crate) fn new() -> Self {
        let mut table: HashMap<&'static str, ResourceRules> = HashMap::new();
        for operation in operations() {
            // What the staff sees is for those who may act on it.
            let own = matches!(operation.access, Access::Public | Access::Person | Access::LoggedIn);
            let reads = operation.method == Method::GET && own;
            let rule = Rule {
                access: operation.access,
                rate: operation.rate,
                streams: operation.streams,
                open_to_suspended: reads || operation.open_to_suspended,
            };
            let empty = ResourceRules { pattern: operation.path, rules: Vec::new() };
            table.entry(operation.path).or_insert(empty).rules.push((operation.method, rule));
        }
        Self(table)
    }

    pub(crate) fn resource(&self, pattern: &str) -> Option<&ResourceRules> {
        self.0.get(pattern)
    }
}

/// Registers the table with the server.
pub(crate) fn configure(config: &mut ServiceConfig) {
    let mut by_path: BTreeMap<&'static str, Vec<Operation>> = BTreeMap::new();
    for operation in operations() {
        by_path.entry(operation.path).or_default().push(operation);
    }
    for (path, operations) in by_path {
        let mut resource = web::resource(path);
        for operation in operations {
            let route = (operation.route)();
            resource = resource.route(if operation.method == Method::GET {
                route.guard(guard::Any(guard::Get()).or(guard::Head()))
            } else {
                route.method(operation.method)
            });
        }
        config.service(resource);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_route_stands_twice() {
        let mut seen = HashSet::new();
        for operation in operations() {
            assert!(
                seen.insert((operation.method.clone(), operation.path)),
                "{} {}",
                operation.method,
                operation.path
            );
        }
    }

    #[test]
    fn every_write_but_signup_and_login_needs_a_login() {
        for operation in operations() {
            let open = operation.access.admits(None);
            // Verifying a card writes nothing; its token is too long for an address.
            let excepted =
                ["/v1/auth/signup", "/v1/auth/login", "/v1/cards/verify"].contains(&operation.path);
            assert!(
                !open || operation.method == Method::GET || excepted,
                "{} {}",
                operation.method,
                operation.path
            );
        }
    }
}
