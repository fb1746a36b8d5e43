//! Load by `wrk`: requests made ready beforehand and sent in turn, so that the client costs the same
//! whatever is asked.

use anyhow::{Context, Result, ensure};

use super::{
    rig::{Folder, Rig},
    tools::{self, Tools},
};

/// The part of a script that prints what `parse` reads.
const DONE: &str = r#"
done = function(summary, latency)
  local bad = summary.errors
  io.write(string.format("RESULT %d %d %d %d %d\n", summary.requests, summary.duration,
    bad.connect + bad.read + bad.write + bad.timeout + bad.status, latency:percentile(50), latency:percentile(99)))
end
"#;

/// What a run gave.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answered {
    /// Requests answered.
    pub(crate) requests: f64,
    /// Requests a second.
    pub(crate) per_sec: f64,
    /// The middle one, in ms.
    pub(crate) p50_ms: f64,
    /// The slowest of a hundred, in ms.
    pub(crate) p99_ms: f64,
}

/// A script that sends GETs of `path` with these logins in turn; without any, bare ones.
pub(crate) fn gets(path: &str, tokens: &[String]) -> String {
    if tokens.is_empty() {
        return paths(&[path.to_owned()]);
    }
    let one = |token: &String| get(path, &format!("[\"Authorization\"] = \"Bearer {token}\""));
    in_turn(&tokens.iter().map(one).collect::<String>())
}

/// A script that sends bare GETs of these paths in turn.
pub(crate) fn paths(paths: &[String]) -> String {
    in_turn(&paths.iter().map(|path| get(path, "")).collect::<String>())
}

fn get(path: &str, headers: &str) -> String {
    format!("  wrk.format(\"GET\", \"{path}\", {{{headers}}}),\n")
}

fn in_turn(requests: &str) -> String {
    format!(
        "local requests, at = {{}}, 0\ninit = function(args)\n  requests = {{\n{requests}  }}\nend\n\
         request = function()\n  at = at % #requests + 1\n  return requests[at]\nend\n{DONE}"
    )
}

/// A script that posts with these logins in turn, each post with words drawn anew and an idempotency key
/// of its own.
pub(crate) fn posts(run: &str, tokens: &[String], words: &[&str], length: usize) -> String {
    let list = |items: &[String]| -> String {
        items.iter().map(|item| format!("  {},\n", serde_json::Value::from(item.as_str()))).collect()
    };
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    let (tokens, words) = (list(tokens), list(&words));
    format!(
        "local tokens = {{\n{tokens}}}\nlocal words = {{\n{words}}}\nlocal at = 0\n\
         local draw = function()\n  local drawn = {{}}\n  \
         for n = 1, {length} do drawn[n] = words[math.random(#words)] end\n  return table.concat(drawn, ' ')\nend\n\
         request = function()\n  at = at + 1\n  return wrk.format(\"POST\", \"/v1/posts\", {{\n    \
         [\"Authorization\"] = \"Bearer \" .. tokens[at % #tokens + 1],\n    \
         [\"Content-Type\"] = \"application/json\",\n    [\"Idempotency-Key\"] = \"{run}-\" .. at,\n  }}, \
         '{{\"body\":\"' .. draw() .. ' ' .. at .. '\"}}')\nend\n{DONE}"
    )
}

/// Runs a script; any refused or failed request makes the figure worthless and is an error.
pub(crate) async fn run(rig: &Rig, script: &str, connections: u32, secs: u32) -> Result<Answered> {
    run_at(&rig.folder, &rig.tools, &rig.server.url, script, connections, secs).await
}

/// The same of the service at `url`, without a rig.
pub(crate) async fn run_at(
    folder: &Folder,
    tools: &Tools,
    url: &str,
    script: &str,
    connections: u32,
    secs: u32,
) -> Result<Answered> {
    let path = folder.write("load.lua", script)?;
    let (connections, duration) = (format!("-c{connections}"), format!("-d{secs}s"));
    let args = ["-t1", &connections, &duration, "-s", &path, url];
    let said = tools::run(&tools.wrk, &args, &[], "").await?;
    let (answered, errors) =
        parse(&said).with_context(|| format!("wrk said nothing that is understood:\n{said}"))?;
    ensure!(errors == 0.0, "{errors} requests under wrk failed:\n{said}");
    Ok(answered)
}

fn parse(said: &str) -> Option<(Answered, f64)> {
    let line = said.lines().find_map(|line| line.strip_prefix("RESULT "))?;
    let mut numbers = line.split(' ').map(str::parse::<f64>);
    let mut next = || numbers.next()?.ok();
    let (requests, micros, errors, p50, p99) = (next()?, next()?, next()?, next()?, next()?);
    let per_sec = requests / (micros / 1e6);
    let answered = Answered { requests, per_sec, p50_ms: p50 / 1e3, p99_ms: p99 / 1e3 };
    Some((answered, errors))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_result_line_is_read() {
        let said = "Running 4s test\nRESULT 120000 4000000 0 400 5900\n";
        let (answered, errors) =
            parse(said).unwrap_or((Answered { requests: 0.0, per_sec: 0.0, p50_ms: 0.0, p99_ms: 0.0 }, 1.0));
        assert_eq!((answered.per_sec, answered.p50_ms, answered.p99_ms, errors), (30_000.0, 0.4, 5.9, 0.0));
    }

    #[test]
    fn scripts_hold_one_request_a_login() {
        let tokens = ["a".to_owned(), "b".to_owned()];
        assert_eq!(gets("/x", &tokens).matches("Bearer").count(), 2);
        assert_eq!(gets("/x", &[]).matches("wrk.format").count(), 1);
    }
}
