//! The problems of a folder, turned into what `joiner plan` reads and kept, so that the next run is quick.

use anyhow::{Context, Result, ensure};
use flate2::read::GzDecoder;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::UNIX_EPOCH;

/// Where the problems lie below the folder that is named on the command line.
const PROBLEMS: &str = "check/problems";
/// The script that turns a problem into objects and a catalogue.
const SCRIPT: &str = "check/problem2k8s.py";
/// Any number does; the same one gives the same order in each run.
const SHUFFLE_SEED: u64 = 1;
/// What a pod may say and still have requests only. A priority matters where something is short, to nobody's gap.
const PLAIN_FIELDS: [&str; 6] = ["name", "namespace", "count", "labels", "requests", "priority"];
/// The problem that `one-pod` is cut out of: the smallest with a thousand or so instance types.
const ONE_POD_OF: &str = "plain-500";
/// How fast a single pod is placed is a measure of its own.
pub(crate) const ONE_POD: &str = "one-pod";

/// A problem and where its manifests are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) name: String,
    /// What the manifests are made from.
    source: PathBuf,
    folder: PathBuf,
}

/// What is known of a problem before it is planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Facts {
    /// Pods that wait.
    pub(crate) pods: usize,
    /// No pod asks for anything but resources.
    pub(crate) has_requests_only: bool,
}

/// The part of a problem file that is looked at here.
#[derive(Deserialize)]
struct Pods {
    pods: Vec<serde_json::Map<String, Value>>,
}

impl Problem {
    pub(crate) fn objects(&self) -> PathBuf {
        self.folder.join("objects.json")
    }

    /// The same objects in another order.
    pub(crate) fn shuffled(&self) -> PathBuf {
        self.folder.join("shuffled.json")
    }

    pub(crate) fn catalogue(&self) -> PathBuf {
        self.folder.join("catalog.json")
    }

    pub(crate) fn plan(&self) -> PathBuf {
        self.folder.join("plan.json")
    }

    /// The problem as the judge of plans reads it.
    pub(crate) fn judged(&self) -> PathBuf {
        if self.name == ONE_POD { self.cut() } else { self.source.clone() }
    }

    fn cut(&self) -> PathBuf {
        self.folder.join("problem.json")
    }

    fn stamp(&self) -> PathBuf {
        self.folder.join("made-from")
    }
}

/// The problems below `shared` whose names contain the filter, by name.
pub(crate) fn list(shared: &Path, filter: &str, kept_in: &Path) -> Result<Vec<Problem>> {
    let folder = shared.join(PROBLEMS);
    let tried = || format!("{} was to be listed", folder.display());
    let problem =
        |name: &str, source| Problem { name: name.to_owned(), source, folder: kept_in.join(name) };
    let mut problems = Vec::new();
    for entry in fs::read_dir(&folder).with_context(tried)? {
        let path = entry.with_context(tried)?.path();
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some(name) = file.strip_suffix(".gz").unwrap_or(&file).strip_suffix(".json") else {
            continue;
        };
        if name == ONE_POD_OF {
            problems.push(problem(ONE_POD, path.clone()));
        }
        problems.push(problem(name, path));
    }
    problems.retain(|problem| problem.name.contains(filter));
    problems.sort_by(|a, b| a.name.cmp(&b.name));
    ensure!(!problems.is_empty(), "{}: no problem's name contains {filter:?}", folder.display());
    Ok(problems)
}

/// Sees to it that the manifests are there and made from the files that lie there now.
///
/// They are made by a child, this program once more, because the peak memory that the kernel counts for a program
/// begins with that of the one which starts it: ours has to stay small.
pub(crate) fn prepare(problem: &Problem, shared: &Path) -> Result<Facts> {
    let stamp = stamp(&[&problem.source, &shared.join(SCRIPT)])?;
    if fs::read_to_string(problem.stamp()).is_ok_and(|made_from| made_from == stamp) {
        return facts(problem);
    }
    let ourselves = std::env::current_exe().context("this program's file was to be found")?;
    let status = Command::new(ourselves)
        .arg(shared)
        .arg(&problem.name)
        .arg("--make")
        .stdout(Stdio::null())
        .status()
        .context("this program was to be started once more")?;
    ensure!(status.success(), "{}: its manifests could not be made", problem.name);
    fs::write(problem.stamp(), stamp).context("the manifests were to be stamped")?;
    facts(problem)
}

/// Makes a problem's manifests, in another order too, and its facts.
pub(crate) fn make(problem: &Problem, shared: &Path) -> Result<()> {
    fs::create_dir_all(&problem.folder)
        .with_context(|| format!("{} was to be made", problem.folder.display()))?;
    if problem.name == ONE_POD {
        write(&problem.cut(), &first_pod(read(&problem.source)?))?;
    }
    let source = problem.judged();
    let output = Command::new("python3")
        .arg(shared.join(SCRIPT))
        .arg(&source)
        .arg(&problem.folder)
        .output()
        .context("python3 was to be started")?;
    ensure!(
        output.status.success(),
        "{SCRIPT} {}: {}",
        source.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    let mut objects: Value = read(&problem.objects())?;
    let items = objects["items"].as_array_mut().context("the manifests are to be a List")?;
    fastrand::Rng::with_seed(SHUFFLE_SEED).shuffle(items);
    write(&problem.shuffled(), &objects)?;
    let Pods { pods } = read(&source)?;
    write(&problem.folder.join("facts.json"), &facts_of(&pods))
}

fn facts(problem: &Problem) -> Result<Facts> {
    read(&problem.folder.join("facts.json"))
}

fn facts_of(pods: &[serde_json::Map<String, Value>]) -> Facts {
    let count = |pod: &serde_json::Map<String, Value>| match pod.get("count") {
        Some(Value::Number(count)) => count.as_u64().map_or(1, |count| count.max(1)),
        _ => 1,
    };
    let pods_in_all: u64 = pods.iter().map(count).sum();
    let fields = pods.iter().flatten();
    let said = fields.filter(|(_, value)| !is_nothing(value)).map(|(field, _)| &**field);
    Facts {
        pods: usize::try_from(pods_in_all).expect("there are no more pods than addresses"),
        has_requests_only: said.into_iter().all(|field| PLAIN_FIELDS.contains(&field)),
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(fields) => fields.values().all(is_nothing),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// The problem with the first of its pods alone.
fn first_pod(mut problem: Value) -> Value {
    if let Some(pods) = problem["pods"].as_array_mut() {
        pods.truncate(1);
        for pod in pods {
            pod["count"] = 1.into();
        }
    }
    problem
}

/// The files with their sizes and times: a file that has changed has another stamp.
fn stamp(files: &[&Path]) -> Result<String> {
    let mut stamp = String::new();
    for file in files {
        let tried = || format!("{} was to be looked at", file.display());
        let about = fs::metadata(file).with_context(tried)?;
        let changed = about.modified().with_context(tried)?.duration_since(UNIX_EPOCH)?;
        let nanos = changed.as_nanos();
        writeln!(stamp, "{} {} {nanos}", file.display(), about.len()).expect("text takes text");
    }
    Ok(stamp)
}

/// Reads a JSON file, compressed or not.
pub(crate) fn read<T: for<'a> Deserialize<'a>>(path: &Path) -> Result<T> {
    let tried = || format!("{} was to be read", path.display());
    let file = BufReader::new(File::open(path).with_context(tried)?);
    let file: Box<dyn Read> = if path.extension().is_some_and(|ending| ending == "gz") {
        Box::new(BufReader::new(GzDecoder::new(file)))
    } else {
        Box::new(file)
    };
    serde_json::from_reader(file).with_context(tried)
}

fn write(path: &Path, value: &impl Serialize) -> Result<()> {
    let tried = || format!("{} was to be written", path.display());
    let file = BufWriter::new(File::create(path).with_context(tried)?);
    serde_json::to_writer(file, value).with_context(tried)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn facts_of_json(pods: &Value) -> Facts {
        facts_of(&serde_json::from_value::<Pods>(json!({ "pods": pods })).unwrap().pods)
    }

    #[test]
    fn pods_are_counted_with_their_copies() {
        let pods = json!([{"name": "a", "count": 3}, {"name": "b"}, {"name": "c", "count": null}]);
        assert_eq!(facts_of_json(&pods).pods, 5);
    }

    #[test]
    fn a_pod_with_empty_wishes_has_requests_only() {
        let empty = json!([{"name": "a", "requests": {"cpu_m": 1}, "tolerations": [],
            "pod_affinity": {"required": [], "preferred": []}, "node_selector": {}}]);
        assert!(facts_of_json(&empty).has_requests_only);
        let wish = json!([{"name": "a"}, {"name": "b", "pod_affinity": {"required": [{}, 1]}}]);
        assert!(!facts_of_json(&wish).has_requests_only);
        assert!(!facts_of_json(&json!([{"host_ports": [{"port": 1}]}])).has_requests_only);
    }

    #[test]
    fn one_pod_is_the_first_of_many() {
        let problem = json!({"region": "r", "pods": [{"name": "a", "count": 7}, {"name": "b"}]});
        let wanted = json!({"region": "r", "pods": [{"name": "a", "count": 1}]});
        assert_eq!(first_pod(problem), wanted);
    }
}
