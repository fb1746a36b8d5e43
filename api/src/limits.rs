//! Rate limits by kind of action, per person, or per address where nobody is logged in; and one over all
//! requests of an address. Behind a trusted proxy the address is the one the proxy names.

use std::{
    net::{IpAddr, SocketAddr},
    num::NonZeroU32,
};

use actix_web::http::header::HeaderMap;
use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::StateInformationMiddleware,
    state::keyed::DashMapStateStore,
};
use ipnet::IpNet;
use madang_core::settings::{self, RateSettings};

use crate::problem::Problem;

/// A kind of action with a quota of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rate {
    /// Not limited: health, metrics, documents.
    Free,
    /// The handler limits, because the kind depends on the body.
    InHandler,
    /// New posts.
    Post,
    /// Replies.
    Reply,
    /// Follows.
    Follow,
    /// Likes, bookmarks, votes, reposts.
    Like,
    /// Reports.
    Report,
    /// Logins and signups.
    Login,
    /// Other writes.
    Write,
    /// Reads.
    Read,
    /// Searches and suggestions.
    Search,
}

/// Whose quota is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Subject {
    /// A person.
    User(i64),
    /// An IPv4 address, or an IPv6 network of /64: one customer has all of it.
    Address(u128),
}

type Limiter = RateLimiter<Subject, DashMapStateStore<Subject>, DefaultClock, StateInformationMiddleware>;

/// What is left of a quota.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Left {
    /// Actions at once at most.
    pub(crate) limit: u32,
    /// Actions left now.
    pub(crate) remaining: u32,
}

/// All limiters of a process.
pub(crate) struct Limits {
    post: Limiter,
    reply: Limiter,
    follow: Limiter,
    like: Limiter,
    report: Limiter,
    login: Limiter,
    write: Limiter,
    read: Limiter,
    search: Limiter,
    address: Limiter,
    trusted: Vec<IpNet>,
}

impl std::fmt::Debug for Limits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Limits")
    }
}

fn limiter(quota: settings::Quota) -> Limiter {
    let burst = NonZeroU32::new(quota.burst).unwrap_or(NonZeroU32::MIN);
    let each = quota.per / burst.get();
    let quota = Quota::with_period(each.max(std::time::Duration::from_nanos(1)))
        .unwrap_or_else(|| Quota::per_second(burst))
        .allow_burst(burst);
    RateLimiter::dashmap(quota).with_middleware::<StateInformationMiddleware>()
}

impl Limits {
    pub(crate) fn new(rates: &RateSettings, trusted: Vec<IpNet>) -> Self {
        Self {
            post: limiter(rates.post),
            reply: limiter(rates.reply),
            follow: limiter(rates.follow),
            like: limiter(rates.like),
            report: limiter(rates.report),
            login: limiter(rates.login),
            write: limiter(rates.write),
            read: limiter(rates.read),
            search: limiter(rates.search),
            address: limiter(rates.address),
            trusted,
        }
    }

    fn of(&self, rate: Rate) -> Option<&Limiter> {
        match rate {
            Rate::Free | Rate::InHandler => None,
            Rate::Post => Some(&self.post),
            Rate::Reply => Some(&self.reply),
            Rate::Follow => Some(&self.follow),
            Rate::Like => Some(&self.like),
            Rate::Report => Some(&self.report),
            Rate::Login => Some(&self.login),
            Rate::Write => Some(&self.write),
            Rate::Read => Some(&self.read),
            Rate::Search => Some(&self.search),
        }
    }

    /// Uses up one action of that kind.
    pub(crate) fn take(&self, rate: Rate, subject: Subject) -> Result<Option<Left>, Problem> {
        self.of(rate).map(|limiter| take(limiter, subject)).transpose()
    }

    /// Uses up one request of an address.
    pub(crate) fn take_address(&self, address: Subject) -> Result<Left, Problem> {
        take(&self.address, address)
    }

    /// Drops idle keys; call now and then.
    pub(crate) fn drop_idle(&self) {
        for limiter in [
            &self.post,
            &self.reply,
            &self.follow,
            &self.like,
            &self.report,
            &self.login,
            &self.write,
            &self.read,
            &self.address,
        ] {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
    }

    /// The client's address: the connection's, or, when that is a trusted proxy, the last one in
    /// `X-Forwarded-For` that is not.
    pub(crate) fn client(&self, peer: Option<SocketAddr>, headers: &HeaderMap) -> Subject {
        address(self.client_ip(peer, headers))
    }

    /// The same as an address.
    pub(crate) fn client_ip(&self, peer: Option<SocketAddr>, headers: &HeaderMap) -> IpAddr {
        let peer = peer.map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.ip());
        if !self.trusts(peer) {
            return peer;
        }
        let named: Vec<IpAddr> = headers
            .get_all("x-forwarded-for")
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map_while(|part| part.trim().parse().ok())
            .collect();
        named.iter().rev().copied().find(|named| !self.trusts(*named)).unwrap_or(peer)
    }

    fn trusts(&self, ip: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(&ip.to_canonical()))
    }
}

fn address(ip: IpAddr) -> Subject {
    Subject::Address(match ip.to_canonical() {
        IpAddr::V4(v4) => u128::from(u32::from(v4)),
        IpAddr::V6(v6) => u128::from(v6) >> 64 << 64,
    })
}

fn take(limiter: &Limiter, subject: Subject) -> Result<Left, Problem> {
    match limiter.check_key(&subject) {
        Ok(state) => {
            Ok(Left { limit: state.quota().burst_size().get(), remaining: state.remaining_burst_capacity() })
        }
        Err(refused) => {
            metrics::counter!("madang_rate_limited_total").increment(1);
            let wait = refused.wait_time_from(DefaultClock::default().now());
            Err(Problem::too_many(wait.as_secs() + 1))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use actix_web::http::header::{HeaderName, HeaderValue};
    use madang_core::settings::Quota;

    use super::*;

    fn limits(trusted: &[&str]) -> Limits {
        let quota = Quota { burst: 3, per: Duration::from_secs(3_600) };
        let rates = RateSettings {
            post: quota,
            reply: quota,
            follow: quota,
            like: quota,
            report: quota,
            login: quota,
            write: quota,
            read: quota,
            search: quota,
            address: quota,
        };
        Limits::new(&rates, trusted.iter().filter_map(|network| network.parse().ok()).collect())
    }

    fn forwarded(value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static("x-forwarded-for"), value);
        }
        headers
    }

    fn peer(text: &str) -> Option<SocketAddr> {
        text.parse().ok()
    }

    #[test]
    fn the_fourth_of_three_is_refused_with_the_time_to_wait() {
        let limits = limits(&[]);
        for left in [2, 1, 0] {
            let taken = limits.take(Rate::Post, Subject::User(1)).ok().flatten();
            assert_eq!(taken.map(|left| left.remaining), Some(left));
        }
        assert!(limits.take(Rate::Post, Subject::User(1)).is_err());
        assert!(limits.take(Rate::Post, Subject::User(2)).is_ok());
        assert!(limits.take(Rate::Reply, Subject::User(1)).is_ok());
    }

    #[test]
    fn a_made_up_forwarded_header_changes_nothing_without_a_trusted_proxy() {
        let limits = limits(&["10.0.0.0/8"]);
        let plain = limits.client(peer("203.0.113.9:1"), &HeaderMap::new());
        for n in 0..1_000 {
            let headers = forwarded(&format!("198.51.100.{}", n % 250));
            assert_eq!(limits.client(peer("203.0.113.9:1"), &headers), plain);
        }
    }

    #[test]
    fn behind_a_trusted_proxy_the_last_untrusted_address_counts() {
        let limits = limits(&["10.0.0.0/8"]);
        let seen = limits.client(peer("10.1.1.1:1"), &forwarded("6.6.6.6, 203.0.113.9, 10.2.2.2"));
        assert_eq!(seen, limits.client(peer("203.0.113.9:1"), &HeaderMap::new()));
    }

    #[test]
    fn one_ipv6_network_is_one_client() {
        let limits = limits(&[]);
        let a = limits.client(peer("[2001:db8::1]:1"), &HeaderMap::new());
        for n in 2..1_002 {
            assert_eq!(limits.client(peer(&format!("[2001:db8::{n:x}]:1")), &HeaderMap::new()), a);
        }
        assert_ne!(limits.client(peer("[2001:db8:0:1::1]:1"), &HeaderMap::new()), a);
    }
}
