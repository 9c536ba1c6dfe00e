//! The plot of cost against size.

use std::path::Path;

use anyhow::anyhow;
use plotters::prelude::*;

use super::results::{Fleet, Results};

const WIDTH: u32 = 760;
const HEIGHT: u32 = 300;

/// A figure that should not depend on the size, as of one fleet.
pub struct Cost {
    /// What it is, and its unit.
    pub title: &'static str,
    /// The figure.
    pub of: fn(&Fleet) -> f64,
    /// By so much it may be off, because the kernel counts CPU in hundredths of a second.
    pub grain: fn(&Fleet) -> f64,
}

/// Of the creation.
pub const CREATE: Cost = Cost {
    title: "CPU to create one, ms",
    of: |fleet| fleet.creation.cpu * 1e3 / fleet.size as f64,
    grain: |fleet| 10.0 / fleet.size as f64,
};

/// At rest.
pub const REST: Cost = Cost {
    title: "CPU at rest for each, ms a minute",
    of: |fleet| fleet.rest.cpu * 6e4 / fleet.rest.seconds.max(1.0) / fleet.size as f64,
    grain: |fleet| 600.0 / fleet.rest.seconds.max(1.0) / fleet.size as f64,
};

const MEMORY: Cost = Cost {
    title: "Memory at rest for each, kB",
    of: |fleet| {
        let grown = fleet.rest.memory.anonymous;
        grown.saturating_sub(fleet.idle.anonymous) as f64 / 1e3 / fleet.size as f64
    },
    grain: |_| 0.0,
};

const COSTS: [Cost; 3] = [CREATE, MEMORY, REST];

/// Draws it into the file: what one project costs, over the number of projects. A line that is level means that
/// cost does not grow with size.
pub fn draw(results: &Results, path: &Path) -> anyhow::Result<()> {
    if results.fleets.len() < 2 {
        return Ok(());
    }
    let mut text = String::new();
    paint(results, &mut text).map_err(|error| anyhow!("cannot draw: {error}"))?;
    text.push('\n');
    Ok(std::fs::write(path, text)?)
}

fn paint(results: &Results, text: &mut String) -> Result<(), Box<dyn std::error::Error>> {
    let whole = SVGBackend::with_string(text, (WIDTH, HEIGHT)).into_drawing_area();
    whole.fill(&WHITE)?;
    let fleets = &results.fleets;
    let (least, most) = (fleets[0].size, fleets[fleets.len() - 1].size);
    for (area, cost) in whole.split_evenly((1, COSTS.len())).iter().zip(COSTS) {
        let points: Vec<(f64, f64)> = fleets
            .iter()
            .map(|fleet| (fleet.size as f64, (cost.of)(fleet)))
            .collect();
        let top = points.iter().map(|(_, y)| *y).fold(f64::EPSILON, f64::max) * 1.3;
        let mut chart = ChartBuilder::on(area)
            .caption(cost.title, ("sans-serif", 14))
            .margin(8)
            .x_label_area_size(28)
            .y_label_area_size(40)
            .build_cartesian_2d(
                (least as f64 * 0.8..most as f64 * 1.3).log_scale(),
                0.0..top,
            )?;
        chart
            .configure_mesh()
            .x_labels(4)
            .y_labels(5)
            .x_desc("projects")
            .x_label_formatter(&|size| format!("{size:.0}"))
            .light_line_style(TRANSPARENT)
            .draw()?;
        chart.draw_series(LineSeries::new(points.clone(), &BLUE))?;
        chart.draw_series(
            points
                .iter()
                .map(|point| Circle::new(*point, 3, BLUE.filled())),
        )?;
    }
    whole.present()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_sizes_make_a_plot_and_one_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plot.svg");
        let fleet = |size| Fleet {
            size,
            ..Fleet::default()
        };
        let mut results = Results {
            fleets: vec![fleet(100)],
            ..Results::default()
        };
        draw(&results, &path).unwrap();
        assert!(!path.exists());
        results.fleets.push(fleet(1_000));
        draw(&results, &path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("<svg") && text.contains("CPU to create one"));
    }
}
