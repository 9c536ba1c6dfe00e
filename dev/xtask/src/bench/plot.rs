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

/// Of the machines, in their order.
const COLOURS: [RGBColor; 4] = [BLUE, RED, GREEN, BLACK];

/// Draws it into the file: what one project costs, over the number of projects, a line for each machine. One that is
/// level means that cost does not grow with size.
pub fn draw(machines: &[Results], path: &Path) -> anyhow::Result<()> {
    let lines: Vec<(RGBColor, &[Fleet])> = COLOURS
        .into_iter()
        .cycle()
        .zip(machines.iter().map(|results| results.fleets.as_slice()))
        .filter(|(_, fleets)| fleets.len() > 1)
        .collect();
    if lines.is_empty() {
        return Ok(());
    }
    let mut text = String::new();
    paint(&lines, &mut text).map_err(|error| anyhow!("cannot draw: {error}"))?;
    text.push('\n');
    Ok(std::fs::write(path, text)?)
}

fn paint(
    lines: &[(RGBColor, &[Fleet])],
    text: &mut String,
) -> Result<(), Box<dyn std::error::Error>> {
    let whole = SVGBackend::with_string(text, (WIDTH, HEIGHT)).into_drawing_area();
    whole.fill(&WHITE)?;
    let all = || lines.iter().flat_map(|(_, fleets)| fleets.iter());
    let sizes = || all().map(|fleet| fleet.size as f64);
    let least = sizes().fold(f64::INFINITY, f64::min);
    let most = sizes().fold(0.0, f64::max);
    for (area, cost) in whole.split_evenly((1, COSTS.len())).iter().zip(COSTS) {
        let top = all().map(cost.of).fold(f64::EPSILON, f64::max) * 1.3;
        let mut chart = ChartBuilder::on(area)
            .caption(cost.title, ("sans-serif", 14))
            .margin(8)
            .x_label_area_size(28)
            .y_label_area_size(40)
            .build_cartesian_2d((least * 0.8..most * 1.3).log_scale(), 0.0..top)?;
        chart
            .configure_mesh()
            .x_labels(4)
            .y_labels(5)
            .x_desc("projects")
            .x_label_formatter(&|size| format!("{size:.0}"))
            .light_line_style(TRANSPARENT)
            .draw()?;
        for (colour, fleets) in lines {
            let point = |fleet: &Fleet| (fleet.size as f64, (cost.of)(fleet));
            chart.draw_series(LineSeries::new(fleets.iter().map(point), colour))?;
            let dots = fleets.iter().map(point);
            chart.draw_series(dots.map(|at| Circle::new(at, 3, colour.filled())))?;
        }
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
        draw(&[results.clone()], &path).unwrap();
        assert!(!path.exists());
        results.fleets.push(fleet(1_000));
        draw(&[results], &path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("<svg") && text.contains("CPU to create one"));
    }
}
