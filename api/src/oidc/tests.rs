//! A provider on the loopback, its keys made for these tests alone, and forgers.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose};
use jsonwebtoken::{EncodingKey, crypto, jwk::Jwk};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};

use super::*;

const DISCOVERY: &str = "/.well-known/openid-configuration";
const KEYS: &str = "/keys";
const AUDIENCE: &str = "madang";

/// A private key of these tests, with the id under which the provider lists it.
struct TestKey {
    kid: &'static str,
    algorithm: Algorithm,
    encoding: EncodingKey,
}

impl TestKey {
    fn new(kid: &'static str, algorithm: Algorithm, pem: &str) -> Self {
        let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        let der = general_purpose::STANDARD.decode(body).unwrap();
        let encoding = match algorithm.family() {
            AlgorithmFamily::Rsa => EncodingKey::from_rsa_der(&der),
            _ => EncodingKey::from_ec_der(&der),
        };
        Self { kid, algorithm, encoding }
    }

    fn rsa_a() -> Self {
        Self::new("rsa-a", Algorithm::RS256, TEST_ONLY_RSA_A)
    }

    fn rsa_b() -> Self {
        Self::new("rsa-b", Algorithm::RS256, TEST_ONLY_RSA_B)
    }

    fn ec_a() -> Self {
        Self::new("ec-a", Algorithm::ES256, TEST_ONLY_EC_A)
    }

    fn ec_b() -> Self {
        Self::new("ec-b", Algorithm::ES256, TEST_ONLY_EC_B)
    }

    fn public(&self) -> Value {
        let jwk = Jwk::from_encoding_key(&self.encoding, self.algorithm).unwrap();
        let mut jwk = serde_json::to_value(jwk).unwrap();
        jwk["kid"] = json!(self.kid);
        jwk["use"] = json!("sig");
        jwk
    }

    fn header(&self) -> Value {
        json!({ "alg": self.algorithm, "typ": "JWT", "kid": self.kid })
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        self.sign_text(&header.to_string(), &claims.to_string())
    }

    /// Signs whatever the header says, as a forger would.
    fn sign_text(&self, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", encoded(header), encoded(claims));
        let signature = crypto::sign(message.as_bytes(), &self.encoding, self.algorithm).unwrap();
        format!("{message}.{signature}")
    }

    fn token(&self, claims: &Value) -> String {
        self.sign(&self.header(), claims)
    }
}

fn encoded(text: impl AsRef<[u8]>) -> String {
    general_purpose::URL_SAFE_NO_PAD.encode(text)
}

/// An answer the provider gives.
#[derive(Clone)]
struct Answer {
    status: &'static str,
    headers: String,
    body: Vec<u8>,
}

impl Answer {
    fn json(body: &Value) -> Self {
        Self { status: "200 OK", headers: String::new(), body: body.to_string().into_bytes() }
    }

    fn away() -> Self {
        Self { status: "503 Service Unavailable", headers: String::new(), body: Vec::new() }
    }

    fn redirect(to: &str) -> Self {
        Self { status: "302 Found", headers: format!("Location: {to}\r\n"), body: Vec::new() }
    }
}

#[derive(Default)]
struct Served {
    answers: HashMap<String, Answer>,
    requests: Vec<String>,
}

/// A provider that answers what it is told to, and remembers what it was asked.
#[derive(Clone)]
struct TestProvider {
    issuer: String,
    served: Arc<Mutex<Served>>,
    /// A permit is taken for every answer.
    may_answer: Arc<Semaphore>,
}

impl TestProvider {
    async fn start(keys: &[&TestKey]) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let provider = Self {
            issuer: format!("http://{}", listener.local_addr().unwrap()),
            served: Arc::default(),
            may_answer: Arc::new(Semaphore::new(1_000)),
        };
        let discovery = json!({
            "issuer": provider.issuer,
            "jwks_uri": format!("{}{KEYS}", provider.issuer),
        });
        provider.answer(DISCOVERY, Answer::json(&discovery));
        provider.publish(keys);
        let server = provider.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(server.clone().serve(stream));
            }
        });
        provider
    }

    async fn serve(self, mut stream: TcpStream) {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let Ok(byte) = stream.read_u8().await else {
                return;
            };
            head.push(byte);
        }
        let head = String::from_utf8(head).unwrap();
        let path = head.split(' ').nth(1).unwrap().to_owned();
        self.locked().requests.push(path.clone());
        self.may_answer.acquire().await.unwrap().forget();
        let answer = self.locked().answers.get(&path).cloned().unwrap_or_else(Answer::away);
        let head = format!(
            "HTTP/1.1 {}\r\n{}Content-Length: {}\r\nConnection: close\r\n\r\n",
            answer.status,
            answer.headers,
            answer.body.len()
        );
        // The client may have had enough of a long body.
        let _ = stream.write_all(&[head.into_bytes(), answer.body].concat()).await;
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Served> {
        self.served.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, path: &str, answer: Answer) {
        self.locked().answers.insert(path.to_owned(), answer);
    }

    fn publish(&self, keys: &[&TestKey]) {
        let keys: Vec<Value> = keys.iter().map(|key| key.public()).collect();
        self.publish_raw(&json!({ "keys": keys }));
    }

    fn publish_raw(&self, set: &Value) {
        self.answer(KEYS, Answer::json(set));
    }

    fn requests(&self) -> Vec<String> {
        self.locked().requests.clone()
    }

    /// How often the keys were fetched.
    fn fetches(&self) -> usize {
        self.requests().iter().filter(|path| *path == KEYS).count()
    }

    fn settings(&self) -> OidcSettings {
        OidcSettings {
            issuer: self.issuer.clone(),
            audience: AUDIENCE.into(),
            algorithms: vec!["RS256".into(), "ES256".into()],
        }
    }

    fn verifier(&self) -> Verifier {
        verifier(&self.settings()).unwrap()
    }

    fn claims(&self) -> Value {
        json!({
            "iss": self.issuer,
            "aud": AUDIENCE,
            "sub": "248289761001",
            "exp": now().timestamp() + 300,
            "iat": now().timestamp(),
        })
    }

    fn claims_with(&self, name: &str, value: Value) -> Value {
        let mut claims = self.claims();
        claims[name] = value;
        claims
    }
}

fn verifier(settings: &OidcSettings) -> anyhow::Result<Verifier> {
    // Another test may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Verifier::new(settings)
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

fn secs(count: i64) -> TimeDelta {
    TimeDelta::seconds(count)
}

fn refused<T>(result: &Result<T, OidcError>) -> bool {
    matches!(result, Err(OidcError::Invalid(_)))
}

#[tokio::test]
async fn a_valid_token_passes() {
    let (rsa, ec) = (TestKey::rsa_a(), TestKey::ec_a());
    let provider = TestProvider::start(&[&rsa, &ec]).await;
    let verifier = provider.verifier();
    let mut claims = provider.claims_with("name", json!("고은"));
    claims["preferred_username"] = json!("goeun");
    claims["locale"] = json!("ko-KR");

    for key in [&rsa, &ec] {
        let identity = verifier.verify(&key.token(&claims), now()).await.unwrap();
        assert_eq!(
            identity,
            Identity {
                subject: format!("{} 248289761001", provider.issuer),
                name: Some("고은".into()),
                preferred_username: Some("goeun".into()),
                locale: Some("ko-KR".into()),
                expires_at: now() + secs(300),
            }
        );
    }
    assert_eq!(provider.requests(), [DISCOVERY, KEYS], "keys are kept");
}

#[tokio::test]
async fn what_the_standards_leave_open_passes() {
    let key = TestKey::rsa_a();
    let provider = TestProvider::start(&[&key]).await;
    let verifier = provider.verifier();
    let at = |seconds: i64| json!(now().timestamp() + seconds);
    let claims = [
        provider.claims_with("aud", json!(["another", AUDIENCE])),
        provider.claims_with("exp", json!(1_800_000_100.5)),
        provider.claims_with("exp", at(-29)),
        provider.claims_with("nbf", at(30)),
        provider.claims_with("iat", at(30)),
        provider.claims_with("sub", json!("가".repeat(255))),
        provider.claims_with("name", json!({ "odd": true })),
    ];
    for claims in &claims {
        let verified = verifier.verify(&key.token(claims), now()).await;
        assert!(verified.is_ok(), "{claims}: {verified:?}");
    }
    let headers = [
        json!({ "alg": "RS256" }),
        json!({ "alg": "RS256", "kid": "rsa-a", "typ": "at+jwt" }),
        json!({ "alg": "RS256", "kid": "rsa-a", "typ": "application/at+JWT" }),
        json!({ "alg": "RS256", "kid": "rsa-a", "jku": "https://elsewhere.example/keys" }),
    ];
    for header in &headers {
        let verified = verifier.verify(&key.sign(header, &provider.claims()), now()).await;
        assert!(verified.is_ok(), "{header}: {verified:?}");
    }
}

/// Tokens that are wrong in their header, their key or their signature.
fn forged_signatures(provider: &TestProvider, elsewhere: &TestProvider) -> Vec<(&'static str, String)> {
    let (rsa, ec, stranger) = (TestKey::rsa_a(), TestKey::ec_a(), TestKey::rsa_b());
    let claims = provider.claims();
    let good = rsa.token(&claims);
    let (message, signature) = good.rsplit_once('.').unwrap();
    let unsigned =
        |header: Value| format!("{}.{}.", encoded(header.to_string()), encoded(claims.to_string()));
    let with = |name: &str, value: Value| {
        let mut header = rsa.header();
        header[name] = value;
        header
    };
    let hs256 = |secret: &[u8]| {
        let message = unsigned(with("alg", json!("HS256")));
        let message = message.trim_end_matches('.');
        let key = EncodingKey::from_secret(secret);
        let signature = crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
        format!("{message}.{signature}")
    };
    let public = rsa.public();
    let modulus = general_purpose::URL_SAFE_NO_PAD.decode(public["n"].as_str().unwrap()).unwrap();
    let pss = TestKey { algorithm: Algorithm::PS256, ..TestKey::rsa_a() };
    let tampered = encoded(provider.claims_with("sub", json!("1")).to_string());
    let jku = json!(format!("{}{KEYS}", elsewhere.issuer));
    vec![
        ("alg none without a signature", unsigned(with("alg", json!("none")))),
        ("alg none with a signature", format!("{}{signature}", unsigned(with("alg", json!("none"))))),
        ("alg None in odd letters", unsigned(with("alg", json!("nOnE")))),
        ("HS256 with the public key as secret", hs256(public.to_string().as_bytes())),
        ("HS256 with the modulus as secret", hs256(&modulus)),
        ("RS256 that is an EC signature", ec.sign(&with("kid", json!("ec-a")), &claims)),
        ("ES256 that is an RSA signature", rsa.sign(&with("alg", json!("ES256")), &claims)),
        ("ES256 of an EC key under an RSA kid", ec.sign(&with("alg", json!("ES256")), &claims)),
        ("PS256, which is not pinned", pss.token(&claims)),
        ("a stranger's key under a known kid", stranger.sign(&rsa.header(), &claims)),
        ("a stranger's key under its own kid", stranger.token(&claims)),
        ("a stranger's key without kid", stranger.sign(&json!({ "alg": "RS256" }), &claims)),
        ("a kid that is a path", stranger.sign(&with("kid", json!("../../dev/null")), &claims)),
        ("a kid that is an address", stranger.sign(&with("kid", jku.clone()), &claims)),
        ("an empty kid", rsa.sign(&with("kid", json!("")), &claims)),
        ("a kid that is a number", rsa.sign(&with("kid", json!(1)), &claims)),
        ("a jku pointing elsewhere", stranger.sign(&with("jku", jku.clone()), &claims)),
        ("an x5u pointing elsewhere", stranger.sign(&with("x5u", jku), &claims)),
        ("a jwk of a stranger", stranger.sign(&with("jwk", stranger.public()), &claims)),
        ("a crit header", rsa.sign(&with("crit", json!(["exp"])), &claims)),
        ("an empty crit header", rsa.sign(&with("crit", json!([])), &claims)),
        ("another type", rsa.sign(&with("typ", json!("logout+jwt")), &claims)),
        ("two algorithms", rsa.sign_text(r#"{"alg":"none","alg":"RS256"}"#, &claims.to_string())),
        ("tampered claims", good.replacen(good.split('.').nth(1).unwrap(), &tampered, 1)),
        (
            "a tampered header",
            good.replacen(good.split('.').next().unwrap(), &encoded(r#"{"alg":"RS256"}"#), 1),
        ),
        ("a truncated signature", good[..good.len() - 8].to_owned()),
        ("no signature", format!("{message}.")),
        ("a longer signature", format!("{good}AAAA")),
        ("a padded signature", format!("{good}==")),
        ("a fourth part", format!("{good}.AAAA")),
        ("two parts", message.to_owned()),
        ("a line break behind", format!("{good}\n")),
        ("more than 8 KiB", rsa.token(&provider.claims_with("pad", json!("x".repeat(8_192))))),
        ("nothing", String::new()),
        ("dots", "..".into()),
    ]
}

/// Tokens of the provider's own key that say the wrong thing.
fn wrong_claims(provider: &TestProvider) -> Vec<(&'static str, String)> {
    let key = TestKey::rsa_a();
    let with = |name, value| key.token(&provider.claims_with(name, value));
    let without = |name: &str| {
        let mut claims = provider.claims();
        claims.as_object_mut().unwrap().remove(name);
        key.token(&claims)
    };
    let at = |seconds: i64| json!(now().timestamp() + seconds);
    let text = provider.claims().to_string();
    let twice = text.replacen('{', r#"{"sub":"1","#, 1);
    vec![
        ("another audience", with("aud", json!("another"))),
        ("a longer audience", with("aud", json!("madang2"))),
        ("other audiences", with("aud", json!(["another", "third"]))),
        ("no audience in a list", with("aud", json!([]))),
        ("no audience", without("aud")),
        ("another issuer", with("iss", json!("https://elsewhere.example"))),
        ("an issuer with a slash", with("iss", json!(format!("{}/", provider.issuer)))),
        ("a list of issuers", with("iss", json!([provider.issuer, "x"]))),
        ("no issuer", without("iss")),
        ("expired", with("exp", at(-31))),
        ("expired to the second of the leeway", with("exp", at(-30))),
        ("no end", without("exp")),
        ("an end as text", with("exp", json!("1900000000"))),
        ("an end outside the calendar", with("exp", json!(1e300))),
        ("not valid yet", with("nbf", at(31))),
        ("issued in the future", with("iat", at(31))),
        ("no subject", without("sub")),
        ("an empty subject", with("sub", json!(""))),
        ("a subject that is null", with("sub", json!(null))),
        ("a subject that is a number", with("sub", json!(1))),
        ("a subject with a control character", with("sub", json!("a\u{0}b"))),
        ("a subject with a line break", with("sub", json!("a\nb"))),
        ("a subject that is too long", with("sub", json!("a".repeat(256)))),
        ("two subjects", key.sign_text(&key.header().to_string(), &twice)),
        ("claims that are no object", key.sign_text(&key.header().to_string(), "[]")),
        ("claims that are no JSON", key.sign_text(&key.header().to_string(), "sub")),
    ]
}

#[tokio::test]
async fn every_forgery_is_refused() {
    let stranger = TestKey::rsa_b();
    let provider = TestProvider::start(&[&TestKey::rsa_a(), &TestKey::ec_a()]).await;
    let elsewhere = TestProvider::start(&[&stranger]).await;
    let verifier = provider.verifier();
    let mut forgeries = forged_signatures(&provider, &elsewhere);
    forgeries.extend(wrong_claims(&provider));

    let mut count = 0;
    for (what, token) in &forgeries {
        let verified = verifier.verify(token, now()).await;
        assert!(refused(&verified), "{what}: {verified:?}");
        count += 1;
    }
    println!("{count} forgeries refused");
    assert_eq!(count, 61);
    let good = TestKey::rsa_a().token(&provider.claims());
    assert!(verifier.verify(&good, now()).await.is_ok(), "the forgers' model is good");
    assert!(elsewhere.requests().is_empty(), "no address of a token is visited");
    assert_eq!(provider.requests(), [DISCOVERY, KEYS], "no kid becomes a path or a second fetch");
}

#[tokio::test]
async fn after_a_rotation_the_new_key_is_found_and_the_old_one_ends() {
    for (old, new) in [(TestKey::rsa_a(), TestKey::rsa_b()), (TestKey::ec_a(), TestKey::ec_b())] {
        let provider = TestProvider::start(&[&old]).await;
        let verifier = provider.verifier();
        let (old_token, new_token) = (old.token(&provider.claims()), new.token(&provider.claims()));
        assert!(verifier.verify(&old_token, now()).await.is_ok());

        provider.publish(&[&old, &new]);
        let later = now() + secs(11);
        assert!(verifier.verify(&new_token, later).await.is_ok());
        assert!(verifier.verify(&old_token, later).await.is_ok());

        provider.publish(&[&new]);
        let mut claims = provider.claims();
        claims["exp"] = json!(now().timestamp() + 7_200);
        let (old_token, new_token) = (old.token(&claims), new.token(&claims));
        let an_hour_later = later + TimeDelta::hours(1);
        assert!(refused(&verifier.verify(&old_token, an_hour_later).await));
        assert!(verifier.verify(&new_token, an_hour_later).await.is_ok());
        assert_eq!(provider.fetches(), 3);
    }
}

#[tokio::test]
async fn unknown_kids_fetch_at_most_once_in_ten_seconds() {
    let key = TestKey::rsa_a();
    let provider = TestProvider::start(&[&key]).await;
    let verifier = provider.verifier();
    let stranger = TestKey::rsa_b();
    let unknown =
        |kid: usize| stranger.sign(&json!({ "alg": "RS256", "kid": format!("k{kid}") }), &provider.claims());
    assert!(verifier.verify(&key.token(&provider.claims()), now()).await.is_ok());

    for tick in 0..40 {
        let at = now() + TimeDelta::milliseconds(tick * 1_000);
        assert!(refused(&verifier.verify(&unknown(tick as usize), at).await));
    }
    assert_eq!(provider.fetches(), 4, "at 0, 10, 20 and 30 seconds");
    let earlier = now() + secs(29);
    assert!(refused(&verifier.verify(&unknown(0), earlier).await));
    assert_eq!(provider.fetches(), 4, "a caller who read the clock earlier does not fetch");
}

#[tokio::test]
async fn a_crowd_at_the_start_fetches_once() {
    let key = TestKey::ec_a();
    let provider = TestProvider::start(&[&key]).await;
    let verifier = provider.verifier();
    let token = key.token(&provider.claims());
    let crowd = (0..50).map(|_| verifier.verify(&token, now()));
    let verified = futures_util::future::join_all(crowd).await;
    assert!(verified.iter().all(Result::is_ok));
    assert_eq!(provider.requests(), [DISCOVERY, KEYS]);
}

#[tokio::test]
async fn without_keys_a_provider_that_is_away_is_unavailable() {
    let key = TestKey::rsa_a();
    let provider = TestProvider::start(&[&key]).await;
    provider.answer(KEYS, Answer::away());
    let verifier = provider.verifier();
    let token = key.token(&provider.claims());
    for _ in 0..5 {
        assert_eq!(verifier.verify(&token, now()).await, Err(OidcError::Unavailable));
    }
    assert_eq!(provider.fetches(), 1, "a provider in trouble is not hammered");

    provider.publish(&[&key]);
    assert!(verifier.verify(&token, now() + secs(10)).await.is_ok(), "it came back");
}

#[tokio::test]
async fn a_closed_port_is_unavailable() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let mut provider = TestProvider::start(&[]).await;
    provider.issuer = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let token = TestKey::rsa_a().token(&provider.claims());
    assert_eq!(provider.verifier().verify(&token, now()).await, Err(OidcError::Unavailable));
}

#[tokio::test]
async fn known_keys_go_on_while_the_provider_is_away() {
    let (key, new) = (TestKey::rsa_a(), TestKey::rsa_b());
    let provider = TestProvider::start(&[&key]).await;
    let verifier = provider.verifier();
    let claims = provider.claims_with("exp", json!(now().timestamp() + 86_400));
    assert!(verifier.verify(&key.token(&claims), now()).await.is_ok());

    provider.answer(DISCOVERY, Answer::away());
    for hours in 1..5 {
        let later = now() + TimeDelta::hours(hours);
        assert!(verifier.verify(&key.token(&claims), later).await.is_ok());
        let unknown = verifier.verify(&new.token(&claims), later).await;
        assert_eq!(unknown, Err(OidcError::Unavailable), "it may be a new key's");
    }
    assert_eq!(provider.requests().len(), 2 + 4, "one try an hour");
}

#[tokio::test]
async fn a_caller_who_hangs_up_does_not_waste_the_fetch() {
    let key = TestKey::rsa_a();
    let provider = TestProvider::start(&[&key]).await;
    provider.may_answer.forget_permits(1_000);
    let verifier = provider.verifier();
    let token = key.token(&provider.claims());
    let caller = tokio::spawn({
        let (verifier, token) = (verifier.clone(), token.clone());
        async move { verifier.verify(&token, now()).await }
    });
    let asked = async {
        while provider.requests().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), asked).await.unwrap();
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());

    provider.may_answer.add_permits(2);
    assert!(verifier.verify(&token, now()).await.is_ok());
    assert_eq!(provider.requests(), [DISCOVERY, KEYS]);
}

#[tokio::test]
async fn answers_that_cannot_be_trusted_are_not_used() {
    let key = TestKey::rsa_a();
    let provider = TestProvider::start(&[&key]).await;
    let token = key.token(&provider.claims());
    let elsewhere = TestProvider::start(&[&key]).await;
    let keys = format!("{}{KEYS}", elsewhere.issuer);
    let good = provider.locked().answers[KEYS].clone();
    let padded = Answer { body: [good.body.clone(), vec![b' '; 1 << 20]].concat(), ..good.clone() };
    let discovery = provider.locked().answers[DISCOVERY].clone();
    let other_issuer = json!({ "issuer": elsewhere.issuer, "jwks_uri": keys });
    let file = json!({ "issuer": provider.issuer, "jwks_uri": "file:///etc/passwd" });

    for (what, path, answer) in [
        ("a redirect of the keys", KEYS, Answer::redirect(&keys)),
        (
            "a redirect of the discovery",
            DISCOVERY,
            Answer::redirect(&format!("{}{DISCOVERY}", elsewhere.issuer)),
        ),
        ("more than 1 MiB", KEYS, padded),
        ("no JSON", KEYS, Answer { body: b"<html>".to_vec(), ..good.clone() }),
        ("no set", KEYS, Answer::json(&json!({}))),
        ("another issuer", DISCOVERY, Answer::json(&other_issuer)),
        ("keys in a file", DISCOVERY, Answer::json(&file)),
    ] {
        provider.answer(DISCOVERY, discovery.clone());
        provider.answer(KEYS, good.clone());
        provider.answer(path, answer);
        let verified = provider.verifier().verify(&token, now()).await;
        assert_eq!(verified, Err(OidcError::Unavailable), "{what}");
    }
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn strange_keys_do_not_spoil_the_set_and_unfit_ones_are_not_used() {
    let (rsa, ec) = (TestKey::rsa_a(), TestKey::ec_a());
    let provider = TestProvider::start(&[]).await;
    let change = |name: &str, value: Value| {
        let mut jwk = rsa.public();
        jwk[name] = value;
        jwk
    };
    let strange = json!([1, {}, { "kty": "new" }, { "kty": "oct", "k": "AAAA", "kid": "rsa-a" }]);
    for unfit in [
        change("use", json!("enc")),
        change("alg", json!("RS512")),
        change("alg", json!("RSA-OAEP")),
        change("key_ops", json!(["encrypt"])),
        change("kty", json!("EC")),
    ] {
        let mut keys = strange.as_array().unwrap().clone();
        keys.extend([unfit.clone(), ec.public()]);
        provider.publish_raw(&json!({ "keys": keys }));
        let verifier = provider.verifier();
        let claims = provider.claims();
        assert!(verifier.verify(&ec.token(&claims), now()).await.is_ok(), "{unfit}");
        assert!(refused(&verifier.verify(&rsa.token(&claims), now()).await), "{unfit}");
    }
}

#[tokio::test]
async fn a_short_rsa_key_is_not_used() {
    let short = TestKey::new("short", Algorithm::RS256, TEST_ONLY_RSA_SHORT);
    let provider = TestProvider::start(&[&short]).await;
    let verified = provider.verifier().verify(&short.token(&provider.claims()), now()).await;
    assert!(refused(&verified), "{verified:?}");
}

#[tokio::test]
async fn without_kids_every_key_that_fits_is_tried() {
    let (a, b) = (TestKey::rsa_a(), TestKey::rsa_b());
    let provider = TestProvider::start(&[]).await;
    let keys: Vec<Value> = [&a, &TestKey::ec_a(), &b]
        .map(|key| {
            let mut jwk = key.public();
            jwk.as_object_mut().unwrap().remove("kid");
            jwk.as_object_mut().unwrap().remove("alg");
            jwk
        })
        .to_vec();
    provider.publish_raw(&json!({ "keys": keys }));
    let verifier = provider.verifier();
    for key in [&a, &b] {
        let token = key.sign(&json!({ "alg": "RS256" }), &provider.claims());
        assert!(verifier.verify(&token, now()).await.is_ok());
    }
    let stranger = TestKey::ec_b().sign(&json!({ "alg": "ES256" }), &provider.claims());
    assert!(refused(&verifier.verify(&stranger, now()).await));
    assert_eq!(provider.fetches(), 1);
}

#[tokio::test]
async fn settings_that_are_not_safe_stop_the_start() {
    let good = TestProvider::start(&[]).await.settings();
    for algorithm in ["HS256", "none", "RS257"] {
        let settings = OidcSettings { algorithms: vec![algorithm.into()], ..good.clone() };
        assert!(verifier(&settings).is_err(), "{algorithm}");
    }
    assert!(verifier(&OidcSettings { algorithms: Vec::new(), ..good.clone() }).is_err());
    for issuer in ["id.example", "ftp://id.example", "https://id.example?a", "https://id.example/ b"] {
        let settings = OidcSettings { issuer: issuer.into(), ..good.clone() };
        assert!(verifier(&settings).is_err(), "{issuer}");
    }
}

#[test]
fn keys_come_over_https_unless_the_issuer_does_not() {
    assert!(keys::key_address("https://id.example/keys", false).is_ok());
    assert!(keys::key_address("http://id.example/keys", false).is_err());
    assert!(keys::key_address("http://127.0.0.1/keys", true).is_ok());
    assert!(keys::key_address("file:///keys", true).is_err());
}

#[test]
fn a_jwt_is_told_from_our_own_tokens() {
    for token in ["eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.", "eyA.eyB.c-_9"] {
        assert!(Verifier::looks_like_jwt(token), "{token}");
    }
    for token in ["", "..", "mdg_0123456789abcdef", "eyA.eyB", "eyA.eyB.c.d", "eyA.eyB.c d", "a.b.c"] {
        assert!(!Verifier::looks_like_jwt(token), "{token}");
    }
}

// Made once with openssl for this file; they open nothing.

const TEST_ONLY_RSA_A: &str = "-----BEGIN RSA PRIVATE KEY-----
MIIEowIBAAKCAQEAu+qGyZMrAj/sqjwiBNd/o31W+Ut6HiD/hxOwdTozKSQOLSSn
SB5rMwxlZssrpqY/PlhXjqNIEEV73SXGZkkz1JBCJxdw9ZO7pgdK3+1aLOZKL5yI
yj2MriubCSsOJnTnky1px2/qRCp5qPrsRab150juOeIdkHSS6xovQWgKzUllk9ZI
EJwbAgsc8d/x7dHCIBmc6Z/CcRNeeGNQXisBNnsPNpNiGZOaorbTFQEO3OtEimXX
cFb4dfPTicJtllluzWLdyR9EXD41pNARtWYFO8dKA1K4EUtMCEZ0H6h3UW8Hu7QB
qjiuW+6fxVI1scoEaFJhj31pNJg16W4FCgpL9wIDAQABAoIBACMIdBx8XVZMCJks
IMN6UYdvRJmxYpDfYgQSvaD9OrB+0k3EOZOOaDnaI8VoNzkYYU4ENj6XXkX6Tj9K
XZSQLSOByXN0QVDnO+KWFXVt0JPyUv5RVocttl56Lqsk5bxxqwKbQs81pB0VNh00
unu5xrpZtGACMbTOpt1BwnGVLf5bUNV5bj66ZjfZrTzauD73kiaNahH91wH5SeVa
RCHzSfJSKAlB4e/wDga2J50sz/66Q9FNvrlpTFBYRKMU8/xWhAxbEjucwrZxbSNb
gv4lrQZDpBbzMLUKIQzyYN0eWfZfsrH5s/8Wnwk1h7fCRB4flcBXj9zQFGmx+SsJ
UABk6eECgYEA3bjJ43Hl3smOnVJhLfyheCQCT8CBsv6EaSa21PmoyB2YWUVoivaB
C/SpEW3pulg1hdP1dmsgSWNvo+W+vxaCIrtk5WLsX3xkThEOhvN7nlFVvb1jGb1L
pGX3VoutfkJbyEGT09zy0Dx8F+2Jy0RXTUZa289c4jd33bR//LDfNp8CgYEA2PfK
OvZyv2vSl19MCW2Glza5zCV5Obvi+zbZ1ZxBRZfbU/AJoFQaGd+fv3zXcRuFoExi
t51UZoqlmyRA4g7Pybns5wk7WiRyiGTEN3Tr4tTOcdxEBenVtKTgkrbR935B3cKy
jhV2hGgu6vbLDvCeQfd9PP6xaRKzFEHI4fgYo6kCgYBJDJC3dtcdR5rNCk8qL4mj
Y3m/fNU+e8x0OGUUVgzdoaKIBu4imoR5w+nP7D6NPnKj3OmKUlEY3MHzZcYqfufx
OXxMdwMZkooZjlUS8TVRO8rb8IGuAUfiqhWLVgmbB5HlsHVb3/e/062u1HwJlEKP
GxbkRLV9cnjzenyQbFWeUQKBgQCmqcDYhhMi44pC6NsZqt5mLY2POYHjTWZQHpQ6
N+sTsFC0K4DZfYEHOvYVO6qqob+FoOd7sAjzM7F+eNy2STZn+L/3wOmslq68AtuO
1euUtG9YmyBNgo+8UaKIUJL9ECk8VaCe7/G4R+cyah0U/tQyTBAR2HsjAVA6UUYj
/lW+8QKBgGNI66vbWO3KC6yEpLzC7CN3pWobNo/kEeQNZkQ+Q5q0vUOVzzDSK0Vb
mUBmPr6KQIAOs2gRJlgc7+YTeOCSgMYe5aFWsxeYGw6IcB8fds0cr69I1M5/8l7f
DR81YKr1tckwrRIDL5Efda1MxQ82GOKXSjiwVQTV514QhNnGlq/Y
-----END RSA PRIVATE KEY-----
";

const TEST_ONLY_RSA_B: &str = "-----BEGIN RSA PRIVATE KEY-----
MIIEogIBAAKCAQEAi4Prv/eVw8v3jGKW2vGqL/omy+kHPPVUDhwlmCXLwie2SfO8
vgOanQtkM5LLqL14VeUbRn4TvXzCmMvmrAaDxuiLaUja+8cVHdc+CNR8l71uRryK
xRYPawvjeinYC1XE3lROVB81zHvMAiXAcNDmNw82Zh9cyS9GeqxaV/jEBoa9Dzs8
QXmjFRzS8U1kgZqp3qJ1hTsOP5IeAP3pn7Ter494/YedmJTwlP20UEZE+EfJB7Fm
O3QsGIOQqsfXeId+qpBdchrBQxieIES7SQlhKGKUcZVS+aBX1/nMfDE/HdXvCkI9
6a1YeYlvnMen1x7jhjGOhR/6sTGwzmLSxE3AnQIDAQABAoIBABajYhxs9gQGo4VH
1R8zUhCFaIizaA2D6G7+sbn5vhGj5IAk+PYjOxIrEEgPFJVtoypa6f1bBWR8q03k
XiqBRx4+SyrbG895iytjqwj/Q7VSk2OOgfz/eqJ91BxVUF1sfiyuZORhCReEagLa
MdsMhqKeCQ9ynNl3XpoWv/Ug5FwDgSoAvuv93MX4h7MP7/T1pQLs7+qSLZZ4kdUF
joNQBdByCTrk0bDjDx+zyZGSGpHLzaavuOCTNvtCQyAoKBIRuJsi30udo4/SpIdA
Kc1dohuD92hT3mDx5LDBTW4D8mHHJ5cZo8FGmjZDnqnHhLC37ydcGGdTxLhZQKrT
Kp9JrBECgYEAw1AwBWKKVq2qPR8zj1pSXrXTKFBzIYMALu+R1ImbB3FSsgwxenAV
5UoKSlTl31AlaozyY4jqqfbeD986OlioC9eyyxd3lDY4w7LosBLZFAR1ix2CHDSP
DHw1hPRYCzbgGoQmB5OiHDtlkjJvXjKa1jecOVyYmONo+yX2x9Pkja0CgYEAtt1l
bilCg1MzZrBzCQcO2xEr0YxVMDEombhxx+Ydwvx/SXsqie7/Xacd+ARaCEqbaQF2
bCL/q4mz8BAvWxkyky/+OPoKFymmIqlI+gEy/f1/UypvEnjSQWsvjQ1kKVjCXWv6
saD7JhMW3HLqpCPV9T0f0bb3ME596GuZZE5IfLECgYBtZajAG2WpDzTfb26NyOWC
Lw3K8uTJzHp5z647AahYDt1m5PWBwu5As6v33n2zC00p1TCfF7143dGbykjvDWFy
4KpAnzBXT9eTpc43cRct4yGDfk+2RKorMBc6FTKLdX0o3QQAEm0mqw5FSQKgHHAl
tJhIeNjwKdBPfAAyBTlrMQKBgESEeDjqpM1oI15axv+e8WYL7Qs7NcA06y2N+rQX
+RbSXS8/QxUjw/NnZsdDeiiZK9oQfjrOclXn5tAQgG315wlXdj4LEjTTmjhqjbl/
MYgRr9+Nisi1FLMGYm7LkbgcVdeDWg+sbe46QNqhBGI0OzsEiCOgFsa24l5v0q3O
10JBAoGASK7OotQc6sQIKkNk2+dEhVWXdzzYuYHFxZNfTfCFefmMT1kgC962kB+A
09PvzumIPTmYP6J2mN9qW5I3ZtSRXyNIHTB18DSJGQNUI4ExdtW72pEFF/WEobcO
3WqdDH+ZHzuq74N6jQScm21T4YcPRq1cqOiDbmx//fINUzam+q8=
-----END RSA PRIVATE KEY-----
";

const TEST_ONLY_EC_A: &str = "-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQghwFPwVU94bqu7IJV
voKz+DR1CZHilqQjNejql8qXuyGhRANCAASgMkV+w0jW//+Pgz5ql3Ryxx7i1HzM
wfxGJ1Om9kEtnOXd1Vhpw7+5qRQyXs+5pfWSTfBxTe5aZ6h/qg+8Mgfy
-----END PRIVATE KEY-----
";

const TEST_ONLY_EC_B: &str = "-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgWWTZzZGAd9xsdvas
C+aY33/xQmjBCzm9Xfr7my+nhu+hRANCAAT6n6/3PopNS/gC0QlajeV3pV+Duk8B
OQz2ENw9LtbdlbWkhREVyzVNeG8evFnSdbT2Er6HEeOkRbFk8BivQZy9
-----END PRIVATE KEY-----
";

/// 1024 bits.
const TEST_ONLY_RSA_SHORT: &str = "-----BEGIN RSA PRIVATE KEY-----
MIICWwIBAAKBgQCvjNeR63h1+MfPPBGKiILghzM3U8Bu7Sq9X3fuxCP7sttLRU5G
Su8dN3BhiibgbFKLxZso1bxU6HUZbxwA/VqklAHOKHcOz5748T5zNUWsV5pTgAD6
4qwtO84QsOhPtW04BChaAGm5BL6veW4U1I/aLlJjMQNuTYNYWLVF3n5QRwIDAQAB
AoGAXK+2GZsDjPX/ORF0CXqt7zIy/mE/1tFtoXLIdc4lWX1Df2hmPYLO4NQmh7lT
cWZ/5sA8fcDroMDjIryhQnyB4EaehzfShhX6QNxFCbnXMttskLgBcGHX0tsKBKQF
QYdfSCCdjF9zRRn8e/ktB0YMNCCNNvo53NMqaeqFgoJauYECQQDlas/ckdBsjXKa
NAGJPDTfuwG3L8R5R3MRBhXJuXcH/9BdBBldR1LqHZwC0CkZajOA/E5mFljsZeF5
w3xk8h7nAkEAw+QswYR1UuwvqAKDUXGlYNK572Qzj6vdft13q28kWAOYsLt7zWlc
QTy5ZcVKt//Mq3ZAxeOTf/ym2Z8ywVj3oQJAESRvDbsziLj1BEK4jqmaBdGyah6+
npVRKsd6n00lcMqTpi+lOYwXzPiTbL5jI8wEtzGjJgurb1aZh4Cs7doNpwJAWyTm
gh/8atnEDrskmJd1KEjEBJOtvfJse6PWE2kCEwWRXOHO57NXHm9/n8+dRWF6vGio
GKsbrRhEFcuR1Q5tIQJAUmEpQaXHhsypm/fkOXEQOdgX640kIYRwM9zDOard7nR+
cFhQzjyOyXFl4ge7SsZPKexW3T+Hr0qqNJgFZKQ/QA==
-----END RSA PRIVATE KEY-----
";
