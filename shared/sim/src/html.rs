//! One self-contained page about a run: figures and charts, no script, nothing fetched from elsewhere.
//!
//! The charts are SVG inside the page; their colours are variables of the style sheet, so that they follow light and
//! dark, and they scale with the page down to a phone.

mod chart;
mod series;

use crate::bound::Bound;
use crate::record::Record;
use crate::summary::Summary;
use chart::{Colour, Lines, Series, TimeAxis};
use std::fmt::Write;

const STYLE: &str = include_str!("html/style.css");

/// What the page says about where its figures come from.
#[derive(Clone, Copy, Debug)]
pub struct Story<'a> {
    /// The workload's title.
    pub title: &'a str,
    /// How the input was mapped, and what else a reader has to know; a paragraph each.
    pub notes: &'a [&'a str],
}

/// Writes the page. The same record, bound, summary and story give the same bytes.
pub fn page(record: &Record, bound: &Bound, summary: &Summary, story: Story<'_>) -> String {
    let title = escaped(story.title);
    let mut html = String::with_capacity(1 << 17);
    let _ = write!(
        html,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>joiner simulate: {title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <header><p class=\"kind\">joiner simulate</p><h1>{title}</h1></header>\n"
    );
    html.push_str(&headline(summary));
    html.push_str("<section class=\"charts\">\n");
    for figure in figures(record, bound) {
        html.push_str(&figure);
    }
    html.push_str("</section>\n");
    html.push_str(&table(summary));
    html.push_str(&notes(story.notes));
    html.push_str("</main>\n</body>\n</html>\n");
    html
}

/// The four figures that a reader looks for first.
fn headline(summary: &Summary) -> String {
    let tiles = [
        (format!("{:.1} s", summary.pending_seconds.p50), "half of the pods waited no longer"),
        (format!("${:.2}", summary.cost_dollars), "paid for nodes"),
        (format!("{:.0} %", summary.gap_percent), "above the lower bound"),
        (summary.violations.len().to_string(), "invariants violated"),
    ];
    let mut html = String::from("<section class=\"tiles\">\n");
    for (figure, what) in tiles {
        let _ = writeln!(html, "<div><b>{figure}</b><span>{what}</span></div>");
    }
    html.push_str("</section>\n");
    html
}

fn figures(record: &Record, bound: &Bound) -> Vec<String> {
    let axis = TimeAxis { hours: series::hours(record) };
    let line = |name, colour, points, is_filled| Series { name, colour, points, is_filled };
    let nodes = [line("nodes", Colour::First, series::nodes(record), true)];
    let running = [line("pods running", Colour::First, series::running(record), true)];
    let waiting = [line("pods waiting", Colour::Second, series::waiting(record), true)];
    let cost = [
        line("paid", Colour::First, series::dollars_per_hour(record), false),
        line("lower bound", Colour::Second, series::bound_per_hour(record, bound), true),
    ];
    let over_time = |title, unit, series: &[Series]| {
        let svg = chart::over_time(&Lines { title, unit, axis, series });
        figure(title, series, &svg)
    };
    vec![
        over_time("Nodes", "nodes", &nodes),
        over_time("Pods on nodes", "pods", &running),
        over_time("Pods waiting for a node", "pods", &waiting),
        over_time("Cost against the lower bound", "$ per hour", &cost),
        figure(
            "How long pods waited",
            &[],
            &chart::histogram("How long pods waited", &series::pending_buckets(record)),
        ),
        figure(
            "Instance mix, in node hours",
            &[
                line("on-demand", Colour::First, vec![], true),
                line("spot", Colour::Second, vec![], true),
            ],
            &chart::ranking("Instance mix, in node hours", &series::mix(record)),
        ),
    ]
}

fn figure(title: &str, series: &[Series], svg: &str) -> String {
    let mut html = format!("<figure>\n<figcaption><h2>{}</h2>", escaped(title));
    if 1 < series.len() {
        for Series { name, colour, .. } in series {
            let class = colour.class();
            let _ = write!(html, "<span class=\"key {class}\">{}</span>", escaped(name));
        }
    }
    let _ = writeln!(html, "</figcaption>\n{svg}\n</figure>");
    html
}

fn table(summary: &Summary) -> String {
    let mut html = String::from("<section>\n<h2>Figures</h2>\n<table>\n");
    for (what, how_much) in summary.lines() {
        let (class, what) = match what.strip_prefix("  ") {
            Some(part) => (" class=\"part\"", part),
            None => ("", what),
        };
        let _ = writeln!(
            html,
            "<tr{class}><th>{}</th><td>{}</td></tr>",
            escaped(what),
            escaped(&how_much)
        );
    }
    html.push_str("</table>\n");
    for violation in &summary.violations {
        let _ = writeln!(html, "<p class=\"violation\">{}</p>", escaped(violation));
    }
    html.push_str("</section>\n");
    html
}

fn notes(notes: &[&str]) -> String {
    if notes.is_empty() {
        return String::new();
    }
    let mut html = String::from("<section>\n<h2>How to read this</h2>\n<ul>\n");
    for note in notes {
        let _ = writeln!(html, "<li>{}</li>", escaped(note));
    }
    html.push_str("</ul>\n</section>\n");
    html
}

/// Text as HTML and SVG show it literally.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            c => safe.push(c),
        }
    }
    safe
}
