//! A table of figures, printed as Markdown for people and as JSON for programs.

use std::fmt;

use serde_json::{Map, Value};

/// Rows of cells below a line of headings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    headings: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Makes a table without rows.
    pub fn new<H: Into<String>>(headings: impl IntoIterator<Item = H>) -> Self {
        Self { headings: headings.into_iter().map(Into::into).collect(), rows: Vec::new() }
    }

    /// Adds a row.
    ///
    /// # Panics
    ///
    /// If the row does not have one cell for each heading.
    pub fn push<C: Into<String>>(&mut self, cells: impl IntoIterator<Item = C>) {
        let row: Vec<_> = cells.into_iter().map(Into::into).collect();
        assert_eq!(row.len(), self.headings.len(), "a cell for each heading: {row:?}");
        self.rows.push(row);
    }

    /// Returns the rows as an array of objects whose keys are the headings.
    pub fn json(&self) -> Value {
        let object = |row: &Vec<String>| {
            let cells = self.headings.iter().cloned().zip(row.iter().cloned().map(Value::String));
            Value::Object(cells.collect::<Map<_, _>>())
        };
        Value::Array(self.rows.iter().map(object).collect())
    }
}

/// Prints a Markdown table whose columns are as wide as their widest cells.
impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut widths = vec![3; self.headings.len()];
        for row in self.rows.iter().chain([&self.headings]) {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let dashes: Vec<_> = widths.iter().map(|width| "-".repeat(*width)).collect();
        for row in [&self.headings, &dashes].into_iter().chain(&self.rows) {
            for (width, cell) in widths.iter().zip(row) {
                write!(f, "| {cell:width$} ")?;
            }
            writeln!(f, "|")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_hold_the_same_cells() {
        let mut table = Table::new(["name", "ms"]);
        table.push(["curl", "12"]);
        table.push(["fetchlet", "7"]);
        let markdown = "\
| name     | ms  |
| -------- | --- |
| curl     | 12  |
| fetchlet | 7   |
";
        assert_eq!(table.to_string(), markdown);
        let json = serde_json::json!([
            { "name": "curl", "ms": "12" },
            { "name": "fetchlet", "ms": "7" },
        ]);
        assert_eq!(table.json(), json);
    }
}
