//! Rows of a CSV text (RFC 4180), with the line each begins on.

use super::TableError;

/// The rows of a text that are not blank.
pub(super) struct Rows<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Rows<'a> {
    /// All rows of a text, which may begin with a byte order mark.
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            rest: text.strip_prefix('\u{feff}').unwrap_or(text),
            line: 1,
        }
    }

    /// One row, blank or not, without the spaces around its fields.
    fn row(&mut self) -> Result<Vec<String>, TableError> {
        let row = self.line;
        let mut fields = Vec::new();
        loop {
            let (field, rest) = match self.rest.strip_prefix('"') {
                Some(rest) => quoted(rest).ok_or(TableError::Quote { row })?,
                None => plain(self.rest),
            };
            self.line += field.matches('\n').count();
            fields.push(field.trim().to_owned());
            if let Some(rest) = rest.strip_prefix(',') {
                self.rest = rest;
                continue;
            }
            let end = rest.strip_prefix("\r\n").or(rest.strip_prefix('\n'));
            if end.is_none() && !rest.is_empty() {
                return Err(TableError::Quote { row });
            }
            self.rest = end.unwrap_or_default();
            self.line += 1;
            return Ok(fields);
        }
    }
}

impl Iterator for Rows<'_> {
    type Item = Result<(usize, Vec<String>), TableError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            let line = self.line;
            match self.row() {
                Ok(fields) if fields == [""] => {}
                Ok(fields) => return Some(Ok((line, fields))),
                Err(error) => {
                    self.rest = "";
                    return Some(Err(error));
                }
            }
        }
        None
    }
}

/// A field up to the comma or the line's end, and what follows.
fn plain(text: &str) -> (String, &str) {
    let end = text.find([',', '\n']).unwrap_or(text.len());
    let (field, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    (field.to_owned(), rest)
}

/// A field whose quote has been opened, and what follows the closing one; `None` where it does not close.
fn quoted(mut text: &str) -> Option<(String, &str)> {
    let mut field = String::new();
    loop {
        let (part, rest) = text.split_once('"')?;
        field.push_str(part);
        let Some(rest) = rest.strip_prefix('"') else {
            return Some((field, rest));
        };
        field.push('"');
        text = rest;
    }
}
