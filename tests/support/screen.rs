//! `Screen`: the content of a terminal's screen, for the few controls that our programs use.

/// A terminal's screen, which does not scroll back.
pub struct Screen {
    rows: Vec<Vec<char>>,
    columns: usize,
    row: usize,
    column: usize,
}

impl Screen {
    /// Returns an empty screen.
    pub fn new(columns: usize, rows: usize) -> Self {
        Self { rows: vec![vec![' '; columns]; rows], columns, row: 0, column: 0 }
    }

    /// Shows text; an unknown control is a fault of the test.
    pub fn show(&mut self, text: &str) {
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            match c {
                '\r' => self.column = 0,
                '\n' => self.feed(),
                '\u{1b}' => {
                    assert_eq!(rest.next(), Some('['), "{text:?}");
                    let mut control = String::new();
                    while !control.ends_with(char::is_alphabetic) {
                        control.push(rest.next().expect("the rest of a control"));
                    }
                    match control.split_at(control.len() - 1) {
                        (count, "A") => self.row = self.row.saturating_sub(count.parse().expect("a number")),
                        ("", "J") => self.clear(),
                        other => panic!("{other:?} in {text:?}"),
                    }
                }
                c => {
                    // As in terminals, the line is left only when a character follows its last column.
                    if self.column == self.columns {
                        self.column = 0;
                        self.feed();
                    }
                    self.rows[self.row][self.column] = c;
                    self.column += 1;
                }
            }
        }
    }

    fn feed(&mut self) {
        if self.row + 1 < self.rows.len() {
            self.row += 1;
        } else {
            self.rows.remove(0);
            self.rows.push(vec![' '; self.columns]);
        }
    }

    fn clear(&mut self) {
        self.rows[self.row][self.column.min(self.columns)..].fill(' ');
        self.rows[self.row + 1..].iter_mut().for_each(|row| row.fill(' '));
    }

    /// Returns the lines that are not empty.
    pub fn lines(&self) -> Vec<String> {
        let lines = self.rows.iter().map(|row| row.iter().collect::<String>().trim_end().to_owned());
        lines.filter(|line| !line.is_empty()).collect()
    }
}
