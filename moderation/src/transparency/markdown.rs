//! The report as Markdown, in Korean and then in English.

use std::fmt::{self, Write};

use super::{CategoryCount, MeasureCount, Report};
use crate::{
    decisions::Measure,
    rule::Category,
    sanctions::Kind,
    statements::{Ground, measure_names, reason_names, sanction_names},
};

#[derive(Debug, Clone, Copy)]
enum Language {
    Korean,
    English,
}

impl Language {
    const fn pick<T: Copy>(self, korean: T, english: T) -> T {
        match self {
            Self::Korean => korean,
            Self::English => english,
        }
    }
}

impl Report {
    /// The report as Markdown, in Korean and then in English.
    pub fn markdown(&self) -> String {
        let mut out = String::new();
        for (at, language) in [Language::Korean, Language::English].into_iter().enumerate() {
            if at > 0 {
                out.push_str("\n---\n\n");
            }
            // Writing into memory does not fail.
            let _ = self.write(&mut out, language);
        }
        out
    }

    fn write(&self, out: &mut String, language: Language) -> fmt::Result {
        let say = |korean, english| language.pick(korean, english);
        writeln!(out, "# {} {}\n", say("투명성 보고서", "Transparency report"), self.month)?;
        let last = (self.until - chrono::Duration::seconds(1)).date_naive();
        writeln!(out, "{}: {} – {last} (UTC)  ", say("기간", "Period"), self.from.date_naive())?;
        writeln!(out, "{}: {}", say("작성", "Made"), self.made_at.format("%Y-%m-%d %H:%M UTC"))?;
        if !self.complete {
            let partial = say(
                "아직 끝나지 않은 달입니다. 지금까지의 숫자입니다.",
                "The month is not over: these are the numbers so far.",
            );
            writeln!(out, "\n> {partial}")?;
        }
        self.write_measures(out, language)?;
        self.write_reports(out, language)?;
        self.write_appeals(out, language)?;
        self.write_accounts(out, language)?;
        self.write_claims(out, language)?;
        self.write_record(out, language)
    }

    fn write_measures(&self, out: &mut String, language: Language) -> fmt::Result {
        let say = |korean, english| language.pick(korean, english);
        let measures = &self.measures;
        writeln!(out, "\n## {}\n", say("조치", "Measures"))?;
        head(
            out,
            &[
                say("조치", "measure"),
                say("사유", "reason"),
                say("자동", "automated"),
                say("사람", "by people"),
            ],
        )?;
        for row in &measures.by_kind {
            let MeasureCount { measure, reason, automated, by_people } = row;
            let (measure, reason) = (measure_name(measure, language), category_name(reason, language));
            writeln!(out, "| {measure} | {reason} | {automated} | {by_people} |")?;
        }
        writeln!(out, "\n- {}: {}", say("전체 조치", "All measures"), measures.imposed)?;
        let automated = percent(measures.automated_share);
        writeln!(out, "- {}: {} ({automated})", say("자동 조치", "Automated"), measures.automated)?;
        writeln!(out, "- {}: {}", say("게시 유지 결정", "Decisions that a post stays"), measures.kept)?;
        let eased = say("검토가 없어 완화된 임시 차단", "Blocks eased because nobody reviewed them in time");
        writeln!(out, "- {eased}: {}", measures.eased_unreviewed)?;
        let median = duration(self.median_seconds.report_to_measure, language);
        writeln!(
            out,
            "- {}: {median}",
            say("첫 신고부터 첫 조치까지(중앙값)", "First report to first measure (median)")
        )
    }

    fn write_reports(&self, out: &mut String, language: Language) -> fmt::Result {
        let say = |korean, english| language.pick(korean, english);
        writeln!(out, "\n## {}\n", say("신고", "Reports"))?;
        head(
            out,
            &[
                say("사유", "reason"),
                say("접수", "received"),
                say("인정", "agreed"),
                say("불인정", "disagreed"),
                say("판단 없이 종료", "closed without a verdict"),
                say("철회", "withdrawn"),
                say("대기", "waiting"),
            ],
        )?;
        for row in &self.reports {
            let CategoryCount { category, received, agreed, disagreed, ignored, withdrawn, pending } = row;
            let name = category_name(category, language);
            writeln!(
                out,
                "| {name} | {received} | {agreed} | {disagreed} | {ignored} | {withdrawn} | {pending} |"
            )?;
        }
        writeln!(out, "\n- {}: {}", say("전체 신고", "All reports"), self.reports_received)?;
        let (warned, muted) = (self.reporters.warned, self.reporters.muted);
        writeln!(out, "- {}: {warned}", say("잘못된 신고에 대한 경고", "Warnings for wrong reports"))?;
        writeln!(out, "- {}: {muted}", say("신고 효력 정지", "Times a person's reports ceased to count"))
    }

    fn write_appeals(&self, out: &mut String, language: Language) -> fmt::Result {
        let say = |korean, english| language.pick(korean, english);
        let appeals = &self.appeals;
        writeln!(out, "\n## {}\n", say("이의 신청", "Appeals"))?;
        writeln!(out, "- {}: {}", say("접수", "Received"), appeals.received)?;
        writeln!(out, "- {}: {}", say("답변", "Answered"), appeals.answered)?;
        writeln!(out, "- {}: {}", say("조치 유지", "The decision stood"), appeals.upheld)?;
        let rate = percent(appeals.overturn_rate);
        writeln!(out, "- {}: {} ({rate})", say("조치 취소", "Overturned"), appeals.overturned)?;
        let median = duration(self.median_seconds.appeal_to_answer, language);
        writeln!(out, "- {}: {median}", say("답변까지(중앙값)", "Appeal to answer (median)"))
    }

    fn write_accounts(&self, out: &mut String, language: Language) -> fmt::Result {
        let say = |korean, english| language.pick(korean, english);
        writeln!(out, "\n## {}\n", say("계정 조치", "Accounts"))?;
        head(
            out,
            &[say("조치", "measure"), say("사유", "reason"), say("건수", "imposed"), say("해제", "lifted")],
        )?;
        for row in &self.sanctions {
            let (kind, reason) = (sanction_name(&row.kind, language), category_name(&row.reason, language));
            writeln!(out, "| {kind} | {reason} | {} | {} |", row.imposed, row.lifted)?;
        }
        let owed = &self.restitution;
        writeln!(
            out,
            "\n- {}: {}",
            say("잘못된 조치로 되돌린 글", "Posts restored after a wrong measure"),
            owed.posts
        )?;
        let won = say(
            "되찾은 독자 / 잃은 독자(보상 기간이 끝난 글)",
            "Readers won back of those owed, window over",
        );
        writeln!(out, "- {won}: {} / {}", owed.viewers_won_back, owed.viewers_owed_closed)
    }

    fn write_claims(&self, out: &mut String, language: Language) -> fmt::Result {
        let say = |korean, english| language.pick(korean, english);
        writeln!(out, "\n## {}\n", say("권리 침해 신고(임시조치)", "Rights claims"))?;
        let columns = [
            say("권리", "right"),
            say("접수", "filed"),
            say("복원", "restored"),
            say("삭제", "removed"),
            say("철회", "withdrawn"),
            say("기간 만료", "expired"),
            say("진행 중", "open"),
        ];
        head(out, &columns)?;
        for row in &self.rights_claims {
            let (ko, en) = Ground::from_column(&row.ground).names();
            let (filed, restored, removed) = (row.filed, row.restored, row.removed);
            let (withdrawn, expired, open) = (row.withdrawn, row.expired, row.open);
            let ground = language.pick(ko, en);
            writeln!(
                out,
                "| {ground} | {filed} | {restored} | {removed} | {withdrawn} | {expired} | {open} |"
            )?;
        }
        Ok(())
    }

    fn write_record(&self, out: &mut String, language: Language) -> fmt::Result {
        let say = |korean, english| language.pick(korean, english);
        writeln!(out, "\n## {}\n", say("기록", "Record"))?;
        writeln!(out, "- {}: {}", say("감사 로그 행", "Rows of the audit log"), self.log.rows)?;
        let (Some(seq), Some(hash)) = (self.log.last_seq, &self.log.last_hash) else { return Ok(()) };
        writeln!(out, "- {}: {seq}, SHA-256 `{hash}`", say("마지막 행", "The last of them"))
    }
}

fn head(out: &mut String, names: &[&str]) -> fmt::Result {
    writeln!(out, "| {} |", names.join(" | "))?;
    writeln!(out, "|{}", " --- |".repeat(names.len()))
}

fn measure_name(name: &str, language: Language) -> String {
    Measure::parse(name).map_or_else(
        || name.to_owned(),
        |measure| {
            let (korean, english, _) = measure_names(measure);
            language.pick(korean, english).to_owned()
        },
    )
}

fn sanction_name(name: &str, language: Language) -> String {
    let kind = [Kind::Warning, Kind::Strike, Kind::Limit, Kind::Suspend, Kind::Ban];
    kind.into_iter().find(|kind| kind.as_str() == name).map_or_else(
        || name.to_owned(),
        |kind| {
            let (korean, english, _) = sanction_names(kind);
            language.pick(korean, english).to_owned()
        },
    )
}

fn category_name(name: &str, language: Language) -> String {
    Category::parse(name).map_or_else(
        || match name {
            "rights_claim" => language.pick("권리 침해 신고", "a rights claim").to_owned(),
            _ => name.to_owned(),
        },
        |category| {
            let (korean, english) = reason_names(category);
            language.pick(korean, english).to_owned()
        },
    )
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "–".to_owned(), |share| format!("{:.1} %", share * 100.0))
}

/// In the largest unit of which there is more than one and a half.
fn duration(seconds: Option<f64>, language: Language) -> String {
    let Some(seconds) = seconds else { return "–".to_owned() };
    let (value, (korean, english)) = match seconds {
        seconds if seconds >= 36.0 * 3_600.0 => (seconds / 86_400.0, ("일", "days")),
        seconds if seconds >= 90.0 * 60.0 => (seconds / 3_600.0, ("시간", "hours")),
        seconds if seconds >= 90.0 => (seconds / 60.0, ("분", "minutes")),
        seconds => (seconds, ("초", "seconds")),
    };
    match language {
        Language::Korean => format!("{value:.1}{korean}"),
        Language::English => format!("{value:.1} {english}"),
    }
}
