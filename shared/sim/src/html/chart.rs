//! Charts as SVG, drawn by `plotters`.
//!
//! `plotters` knows fixed colours only. What is drawn here in the colours of `Colour` gets the style sheet's variables
//! instead, so that one drawing serves light and dark.

use super::escaped;
use super::series::{BUCKETS, Point};
use plotters::prelude::*;
use std::error::Error;

/// All charts are drawn on so many units, about the pixels of a phone; the page scales them.
const WIDTH: u32 = 460;
const HEIGHT: u32 = 230;
const TEXT: (&str, u32) = ("sans-serif", 16);
/// Units for the numbers left of a chart.
const LEFT: u32 = 50;
/// Units for one bar of a ranking with its name above.
const RANK_HEIGHT: u32 = 40;

/// A colour of the style sheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Colour {
    /// Text and axes.
    Ink,
    /// Lines behind everything.
    Grid,
    /// The first series.
    First,
    /// The second one.
    Second,
}

impl Colour {
    const ALL: [Self; 4] = [Self::Ink, Self::Grid, Self::First, Self::Second];

    /// What stands in the drawing until it is replaced: colours that nothing else has.
    const fn drawn(self) -> RGBColor {
        match self {
            Self::Ink => RGBColor(1, 2, 3),
            Self::Grid => RGBColor(1, 2, 4),
            Self::First => RGBColor(1, 2, 5),
            Self::Second => RGBColor(1, 2, 6),
        }
    }

    /// What stands in the page.
    const fn shown(self) -> &'static str {
        match self {
            Self::Ink => "currentColor",
            Self::Grid => "var(--grid)",
            Self::First => "var(--first)",
            Self::Second => "var(--second)",
        }
    }

    /// The class of its key.
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Ink | Self::Grid | Self::First => "first",
            Self::Second => "second",
        }
    }
}

/// The axis of all charts over time.
#[derive(Clone, Copy, Debug)]
pub(super) struct TimeAxis {
    pub(super) hours: f64,
}

/// A line, or the area under it.
pub(super) struct Series {
    pub(super) name: &'static str,
    pub(super) colour: Colour,
    pub(super) points: Vec<Point>,
    pub(super) is_filled: bool,
}

/// A chart over time.
pub(super) struct Lines<'a> {
    pub(super) title: &'a str,
    pub(super) unit: &'a str,
    pub(super) axis: TimeAxis,
    pub(super) series: &'a [Series],
}

/// A bar of a ranking.
pub(super) struct Rank {
    pub(super) name: String,
    pub(super) hours: f64,
    pub(super) is_spot: bool,
}

/// What drawing into a string can fail with: nothing, in practice.
type Drawn = Result<(), Box<dyn Error>>;

pub(super) fn over_time(lines: &Lines<'_>) -> String {
    svg(lines.title, HEIGHT, |svg| draw_lines(svg, lines))
}

pub(super) fn histogram(title: &str, counts: &[u64]) -> String {
    svg(title, HEIGHT, |svg| draw_histogram(svg, counts))
}

pub(super) fn ranking(title: &str, ranks: &[Rank]) -> String {
    let rows = u32::try_from(ranks.len()).unwrap_or(0).max(1);
    svg(title, rows * RANK_HEIGHT, |svg| draw_ranking(svg, rows, ranks))
}

/// Draws, and makes of the drawing what goes into the page.
fn svg(title: &str, height: u32, draw: impl FnOnce(&mut String) -> Drawn) -> String {
    let mut drawing = String::new();
    draw(&mut drawing).expect("a string takes every drawing");
    for colour in Colour::ALL {
        let RGBColor(red, green, blue) = colour.drawn();
        drawing = drawing.replace(&format!("#{red:02X}{green:02X}{blue:02X}"), colour.shown());
    }
    let size = format!("<svg width=\"{WIDTH}\" height=\"{height}\"");
    let label = format!("<svg role=\"img\" aria-label=\"{}\"", escaped(title));
    drawing.replacen(&size, &label, 1)
}

/// The highest value, with some room above; one when there is nothing.
fn ceiling(values: impl Iterator<Item = f64>) -> f64 {
    let highest = values.fold(0.0, f64::max);
    if highest <= 0.0 { 1.0 } else { highest * 1.08 }
}

fn draw_lines(svg: &mut String, lines: &Lines<'_>) -> Drawn {
    let area = SVGBackend::with_string(svg, (WIDTH, HEIGHT)).into_drawing_area();
    let values = lines.series.iter().flat_map(|series| series.points.iter().map(|(_, y)| *y));
    let top = ceiling(values);
    let (unit, hours_of_unit) = time_unit(lines.axis.hours);
    let end = lines.axis.hours.max(0.01) / hours_of_unit;
    let mut chart = ChartBuilder::on(&area)
        .margin_right(14)
        .margin_top(24)
        .x_label_area_size(28)
        .y_label_area_size(LEFT)
        .build_cartesian_2d(0.0..end, 0.0..top)?;
    let ink = Colour::Ink.drawn();
    chart
        .configure_mesh()
        .disable_x_mesh()
        .bold_line_style(Colour::Grid.drawn())
        .light_line_style(TRANSPARENT)
        .axis_style(Colour::Grid.drawn())
        .label_style(TEXT.into_font().color(&ink))
        .x_labels(6)
        .y_labels(5)
        .x_label_formatter(&|x| format!("{unit} {}", number_label(*x)))
        .y_label_formatter(&|y| number_label(*y))
        .draw()?;
    for Series { colour, points, is_filled, .. } in lines.series {
        let in_unit = points.iter().map(|(x, y)| (x / hours_of_unit, *y));
        let stroke = ShapeStyle::from(&colour.drawn()).stroke_width(2);
        if *is_filled {
            let fill = colour.drawn().mix(0.25);
            let series = AreaSeries::new(in_unit, 0.0, fill);
            chart.draw_series(series.border_style(stroke))?;
        } else {
            chart.draw_series(LineSeries::new(in_unit, stroke))?;
        }
    }
    let style = TEXT.into_font().color(&ink);
    area.draw(&Text::new(lines.unit.to_owned(), (2, 1), style))?;
    drop(chart);
    area.present()?;
    Ok(())
}

fn draw_histogram(svg: &mut String, counts: &[u64]) -> Drawn {
    let area = SVGBackend::with_string(svg, (WIDTH, HEIGHT)).into_drawing_area();
    let heights: Vec<f64> = counts.iter().map(|n| crate::summary::measure::float(*n)).collect();
    let top = ceiling(heights.iter().copied());
    let bars = i32::try_from(counts.len()).unwrap_or(i32::MAX);
    let mut chart = ChartBuilder::on(&area)
        .margin_right(14)
        .margin_top(24)
        .x_label_area_size(28)
        .y_label_area_size(LEFT)
        .build_cartesian_2d(0.0..f64::from(bars), 0.0..top)?;
    let ink = Colour::Ink.drawn();
    chart
        .configure_mesh()
        .disable_x_mesh()
        .bold_line_style(Colour::Grid.drawn())
        .light_line_style(TRANSPARENT)
        .axis_style(Colour::Grid.drawn())
        .label_style(TEXT.into_font().color(&ink))
        .x_labels(counts.len() + 1)
        .y_labels(5)
        .x_label_formatter(&|x| bucket_label(*x))
        .y_label_formatter(&|y| number_label(*y))
        .draw()?;
    let fill = Colour::First.drawn().filled();
    chart.draw_series(heights.iter().zip(0..bars).map(|(height, index)| {
        let left = f64::from(index);
        Rectangle::new([(left + 0.08, 0.0), (left + 0.92, *height)], fill)
    }))?;
    let style = TEXT.into_font().color(&ink);
    area.draw(&Text::new("pods", (2, 1), style))?;
    drop(chart);
    area.present()?;
    Ok(())
}

fn draw_ranking(svg: &mut String, rows: u32, ranks: &[Rank]) -> Drawn {
    let area = SVGBackend::with_string(svg, (WIDTH, rows * RANK_HEIGHT)).into_drawing_area();
    let style = TEXT.into_font().color(&Colour::Ink.drawn());
    let longest = ranks.iter().map(|rank| rank.hours).fold(0.0, f64::max).max(f64::MIN_POSITIVE);
    let height = i32::try_from(RANK_HEIGHT).unwrap_or(0);
    let mut top = 0;
    for Rank { name, hours, is_spot } in ranks {
        let text = format!("{name}: {} h", number_label(*hours));
        area.draw(&Text::new(text, (0, top + 2), style.clone()))?;
        #[expect(clippy::cast_possible_truncation, reason = "at most WIDTH")]
        let right = (f64::from(WIDTH) * hours / longest).round().max(1.0) as i32;
        let colour = if *is_spot { Colour::Second } else { Colour::First };
        let bar = [(0, top + 21), (right, top + height - 8)];
        area.draw(&Rectangle::new(bar, colour.drawn().filled()))?;
        top += height;
    }
    area.present()?;
    Ok(())
}

/// What the axis counts, and how many hours that is: days where the chart is long, else hours, else minutes.
fn time_unit(hours: f64) -> (&'static str, f64) {
    if 72.0 < hours {
        ("day", 24.0)
    } else if 3.0 < hours {
        ("hour", 1.0)
    } else {
        ("min", 1.0 / 60.0)
    }
}

/// The end of the bar left of it.
fn bucket_label(x: f64) -> String {
    let ends = BUCKETS.iter().zip(1_u32..);
    ends.filter(|(_, at)| (x - f64::from(*at)).abs() < 0.01).map(|((_, label), _)| *label).collect()
}

/// As short as it can be told apart from its neighbours.
fn number_label(value: f64) -> String {
    if 9999.5 <= value {
        format!("{:.0}k", value / 1000.0)
    } else if 10.0 <= value || (value - value.round()).abs() < 1e-9 {
        format!("{value:.0}")
    } else if 1.0 <= value {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}
