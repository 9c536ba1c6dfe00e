//! The projects as a table that is drawn again and again.

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use console::style;

use super::row::{Mark, Row};

const BAR_CELLS: usize = 10;

/// How much of a row has room.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Room {
    /// No id (the story tells it), and figures without bars.
    Narrow,
    /// Figures without bars.
    Usual,
    /// All of it.
    Wide,
}

impl Room {
    /// By the longest words of the scene.
    fn of(columns: u16) -> Room {
        match columns {
            0..100 => Room::Narrow,
            100..112 => Room::Usual,
            112.. => Room::Wide,
        }
    }
}

/// The table, in colours, for a terminal of that many columns.
pub fn picture(rows: &[Row], columns: u16) -> String {
    coloured(&table(rows, columns))
}

/// The table without colours: what is measured must hold no escape codes.
fn table(rows: &[Row], columns: u16) -> String {
    let room = Room::of(columns);
    let mut table = Table::new();
    table
        .load_style(NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(columns);
    let header = [
        "PROJECT",
        "ID IN OMS",
        "STATUS",
        "STEP",
        "PROGRESS",
        "LAG",
        "CONDITION",
    ];
    table.set_header(fitting(header.map(str::to_owned), room));
    for row in rows {
        let mut cells = comfy_table::Row::from(fitting(cells(row, room), room));
        cells.max_height(1);
        table.add_row(cells);
    }
    let gap = if room == Room::Narrow { 1 } else { 2 };
    for column in table.column_iter_mut() {
        column.set_padding((0, gap));
    }
    let lines = table.lines().map(|line| line.trim_end().to_owned());
    lines.collect::<Vec<_>>().join("\n")
}

/// The cells that are shown where there is so much room.
fn fitting(cells: [String; 7], room: Room) -> Vec<String> {
    let mut cells = Vec::from(cells);
    if room == Room::Narrow {
        cells.remove(1);
    }
    cells
}

fn cells(row: &Row, room: Room) -> [String; 7] {
    let text = |cell: &Option<String>| cell.clone().unwrap_or_else(|| "–".to_owned());
    let progress = row.progress.map(|percent| match room {
        Room::Wide => bar(percent),
        Room::Narrow | Room::Usual => figure(percent),
    });
    [
        row.name.clone(),
        match row.mark {
            Mark::Doubt => "?".to_owned(),
            _ => text(&row.id),
        },
        text(&row.status),
        text(&row.step),
        progress.unwrap_or_default(),
        row.lag.map(|lag| format!("≤ {lag} s")).unwrap_or_default(),
        format!("{} {}", sign(row.mark), row.reason),
    ]
}

/// A mark as one sign.
pub fn sign(mark: Mark) -> char {
    match mark {
        Mark::Good => '✓',
        Mark::Busy => '…',
        Mark::Doubt => '?',
        Mark::Bad => '✗',
    }
}

fn bar(percent: i32) -> String {
    let full = usize::try_from(percent.clamp(0, 100)).unwrap_or_default() * BAR_CELLS / 100;
    let (full, empty) = ("█".repeat(full), "░".repeat(BAR_CELLS - full));
    format!("{full}{empty} {}", figure(percent))
}

fn figure(percent: i32) -> String {
    format!("{:>3} %", percent.clamp(0, 100))
}

/// Colours on the signs and on the line that they stand in.
fn coloured(table: &str) -> String {
    let lines = table.lines().map(|line| {
        let sign = line.chars().rev().find(|sign| "✓?✗".contains(*sign));
        let line = style(line).force_styling(true);
        match sign {
            Some('✓') => line.green(),
            Some('✗') => line.red(),
            Some(_) => line.yellow(),
            None => line,
        }
        .to_string()
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::demo::row::tests::row;

    fn rows() -> Vec<Row> {
        let doubt = row("orders", json!({"create": {"outcome": "Unknown"}}));
        let running = json!({
            "projectId": "np_4w000000001", "projectStatus": "RUNNING",
            "currentStep": "FULL_TRANSFER", "progress": 47, "lagSeconds": 120,
        });
        vec![
            row("shop", running),
            Row {
                mark: Mark::Doubt,
                ..doubt
            },
        ]
    }

    #[test]
    fn every_project_has_one_line_with_all_that_is_known() {
        let table = table(&rows(), 120);
        let shop = table.lines().find(|line| line.contains("shop")).unwrap();
        for cell in [
            "np_4w000000001",
            "RUNNING",
            "FULL_TRANSFER",
            "████░░░░░░  47 %",
            "≤ 120 s",
            "… Pending",
        ] {
            assert!(shop.contains(cell), "{cell} in {table}");
        }
        let orders = table.lines().find(|line| line.contains("orders")).unwrap();
        assert!(orders.contains("? Pending"), "{table}");
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for columns in [80, 100, 200] {
            for line in table(&rows(), columns).lines() {
                let width = console::measure_text_width(line);
                assert!(width <= columns.into(), "{width} > {columns}: {line}");
            }
        }
    }

    #[test]
    fn a_narrow_terminal_has_the_figure_and_every_project_stays_one_line() {
        let table = table(&rows(), 80);
        assert_eq!(table.lines().count(), 1 + rows().len(), "{table}");
        assert!(table.contains(" 47 %") && !table.contains('█'), "{table}");
        assert!(table.contains("FULL_TRANSFER"), "{table}");
    }

    #[test]
    fn a_bar_is_as_long_at_every_percentage() {
        for percent in [-5, 0, 1, 50, 99, 100, 250] {
            assert_eq!(console::measure_text_width(&bar(percent)), BAR_CELLS + 6);
        }
        assert!(bar(99).contains('░') && !bar(100).contains('░'));
    }

    #[test]
    fn colours_change_nothing_but_the_colour() {
        let plain = table(&rows(), 100);
        let coloured = coloured(&plain);
        assert_ne!(coloured, plain);
        assert_eq!(console::strip_ansi_codes(&coloured), plain);
    }
}
