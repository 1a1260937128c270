//! The trace's table: columns, their limits, and what is wrong with a row.

use super::{Row, Service};
use crate::input::{InputError, clip};
use crate::template::{BYTES_MAX, COUNT_MAX, CPU_MILLI_MAX, PODS_MAX, SECONDS_MAX};
use csv::{ByteRecord, ErrorKind, ReaderBuilder};
use std::collections::BTreeSet;

/// The last day that a trace may reach: no time in it lies beyond `SECONDS_MAX`.
pub(super) const DAYS_MAX: u32 = 10 * 366;

/// The columns that are read, by name; others are ignored, their order is free.
const COLUMNS: [&str; 9] = [
    "name",
    "cpu_milli",
    "memory_mib",
    "num_gpu",
    "gpu_milli",
    "qos",
    "creation_time",
    "deletion_time",
    "scheduled_time",
];

/// A record, its line and where the columns are in it.
struct Cells<'a> {
    file: &'a str,
    line: u64,
    record: &'a ByteRecord,
    at: [usize; COLUMNS.len()],
}

/// Reads all rows.
pub(super) fn rows(bytes: &[u8], file: &str) -> Result<Vec<Row>, InputError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = ReaderBuilder::new().from_reader(bytes);
    let header = reader.byte_headers().map_err(|error| of_csv(file, &error))?;
    let at = columns(file, header)?;
    let mut rows = Vec::new();
    let mut names = BTreeSet::new();
    let mut record = ByteRecord::new();
    while reader.read_byte_record(&mut record).map_err(|error| of_csv(file, &error))? {
        let line = record.position().map_or(0, csv::Position::line);
        let cells = Cells { file, line, record: &record, at };
        let row = cells.row()?;
        if !names.insert(row.name.clone()) {
            return Err(cells.error(0, format!("{:?} is there twice", row.name)));
        }
        rows.push(row);
        if PODS_MAX < rows.len() as u64 {
            let problem = format!("more than {PODS_MAX} rows, which is the most that is read");
            return Err(InputError::of_file(file, problem).at_line(line));
        }
    }
    if rows.is_empty() {
        return Err(InputError::of_file(file, "no row below the header"));
    }
    Ok(rows)
}

fn columns(file: &str, header: &ByteRecord) -> Result<[usize; COLUMNS.len()], InputError> {
    let mut at = [0; COLUMNS.len()];
    for (index, column) in COLUMNS.iter().enumerate() {
        let mut places = header.iter().enumerate().filter(|(_, name)| *name == column.as_bytes());
        let problem = match (places.next(), places.next()) {
            (Some((place, _)), None) => {
                at[index] = place;
                continue;
            }
            (Some(_), Some(_)) => "is there twice in the header",
            (None, _) => "is missing in the header",
        };
        let error = InputError::of_file(file, problem).at_line(1);
        return Err(error.in_field(format!("column {column}")));
    }
    Ok(at)
}

fn of_csv(file: &str, error: &csv::Error) -> InputError {
    let problem = match error.kind() {
        ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{len} fields, but the header has {expected_len}")
        }
        _ => format!("is not a table of comma-separated values: {error}"),
    };
    let described = InputError::of_file(file, problem);
    match error.position() {
        Some(position) => described.at_line(position.line()),
        None => described,
    }
}

impl Cells<'_> {
    fn row(&self) -> Result<Row, InputError> {
        let created = self.number(6, SECONDS_MAX)?;
        let deleted = self.number(7, SECONDS_MAX)?;
        let scheduled =
            if self.text(8)?.is_empty() { None } else { Some(self.number(8, SECONDS_MAX)?) };
        if deleted < created {
            return Err(self.error(7, format!("{deleted} lies before creation_time {created}")));
        }
        if scheduled.is_some_and(|scheduled| scheduled < created || deleted < scheduled) {
            let problem =
                format!("lies outside creation_time {created} to deletion_time {deleted}");
            return Err(self.error(8, problem));
        }
        let gpu_share = self.number(4, 1000 * COUNT_MAX)?;
        Ok(Row {
            name: self.name()?,
            cpu_milli: self.number(1, CPU_MILLI_MAX)?,
            memory_bytes: self.number(2, BYTES_MAX >> 20)? << 20,
            gpus: self.number(3, COUNT_MAX)?.max((gpu_share + 999) / 1000),
            service: self.service()?,
            created,
            deleted,
            scheduled,
        })
    }

    /// A name that Kubernetes takes for an object (RFC 1123 label), short enough for a suffix.
    fn name(&self) -> Result<String, InputError> {
        let name = self.text(0)?;
        if crate::template::is_name(name) {
            return Ok(name.to_owned());
        }
        let problem = "is no name for a pod: expected up to 50 of a-z, 0-9 and -, a letter first";
        Err(self.error(0, format!("{:?} {problem}", clip(name))))
    }

    fn service(&self) -> Result<Service, InputError> {
        match self.text(5)? {
            "LS" | "Burstable" | "Guaranteed" => Ok(Service::Online),
            "BE" => Ok(Service::BestEffort),
            other => {
                let expected = "expected LS, BE, Burstable or Guaranteed";
                Err(self.error(5, format!("{:?} is no class: {expected}", clip(other))))
            }
        }
    }

    fn number(&self, column: usize, most: i64) -> Result<i64, InputError> {
        let text = self.text(column)?;
        let number = text.parse::<i64>().ok().filter(|number| (0..=most).contains(number));
        number.ok_or_else(|| {
            let expected = format!("expected a whole number from 0 to {most}");
            self.error(column, format!("{:?} is out of place: {expected}", clip(text)))
        })
    }

    fn text(&self, column: usize) -> Result<&str, InputError> {
        let bytes = self.record.get(self.at[column]).unwrap_or_default();
        str::from_utf8(bytes)
            .map(str::trim)
            .map_err(|_| self.error(column, "is no UTF-8 text".to_owned()))
    }

    fn error(&self, column: usize, problem: String) -> InputError {
        let field = format!("column {}", COLUMNS[column]);
        InputError::of_file(self.file, problem).at_line(self.line).in_field(field)
    }
}
