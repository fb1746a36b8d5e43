//! How long screening takes: an ordinary post, and the worst a long one can be made.

use std::{hint::black_box, time::Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use madang_moderation::text::{Context, RuleSet, default_rules, screen};

/// The allocator the service runs with.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ORDINARY: &str = "오늘 실적 발표 보고 조금 더 담았습니다. 반도체 업황이 바닥을 지났다는 리포트가 나왔는데, 재고가 \
    줄어드는 속도를 보면 3분기부터는 숫자로 보일 것 같아요. 다만 환율이 부담이고 외국인 수급이 아직 돌아오지 않아서 \
    분할로 접근하려고 합니다. PER 12배면 비싸지 않다고 봅니다. 다들 어떻게 보시나요? 장기 투자자라면 배당도 챙길 만해요.";

/// Texts of 10,000 characters that keep every part of the screening busy.
fn hostile() -> Vec<(&'static str, String)> {
    let long = |unit: &str| unit.chars().cycle().take(10_000).collect::<String>();
    vec![
        ("hits", long("시발새끼")),
        ("jamo", long("ㅅㅣㅂㅏㄹㅅㅐㄲㅣ")),
        ("initials", long("ㅅㅂ ㅆㅂ ㅂㅅ ")),
        ("spaced", long("시 발 개 새 끼 ")),
        ("junk", long("시.발*개1새^끼 ")),
        ("exceptions", long("시발점새끼손가락")),
        ("keys", long("tlqkf qudtls ")),
        ("turned", long("\u{202E}발시\u{202C} 시발 ")),
        ("marks", long("시\u{0336}발\u{0300}")),
        ("links", long("t.me/a open.kakao.com/o/b ")),
        ("dots", long("a.b.")),
        ("digits", long("0101234")),
        ("lures", long("무료체험원금보장적중률")),
        ("stretched", long("시이이발아아")),
        ("wide", long("ｔ．ｍｅ／ａ ﾵﾲ ")),
        ("tags", long("시<b></b>발")),
    ]
}

fn screening(c: &mut Criterion) {
    let Ok(rules) = RuleSet::compile(&default_rules()) else { return };
    let context = Context::default();
    let ordinary: String = ORDINARY.chars().take(200).collect();
    c.bench_function("ordinary, 200 characters", |b| {
        b.iter(|| screen(&rules, black_box(&ordinary), &context));
    });
    for (name, text) in hostile() {
        c.bench_function(&format!("hostile, 10,000 characters, {name}"), |b| {
            b.iter(|| screen(&rules, black_box(&text), &context));
        });
    }
    percentiles(&rules, &context);
}

/// Criterion reports means; the promise is about the slowest of a hundred.
fn percentiles(rules: &RuleSet, context: &Context) {
    for (name, text) in hostile() {
        let mut micros: Vec<u128> = (0..300)
            .map(|_| {
                let begun = Instant::now();
                black_box(screen(rules, black_box(&text), context));
                begun.elapsed().as_micros()
            })
            .collect();
        micros.sort_unstable();
        println!("{name}: median {:?} us, p99 {:?} us", micros.get(150), micros.get(297));
    }
}

criterion_group!(benches, screening);
criterion_main!(benches);
