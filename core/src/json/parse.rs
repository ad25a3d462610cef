//! From text to a tree.

use super::{JsonError, Value};

/// Deeper than any message.
const DEPTH: usize = 32;

/// Reads a text that is one value and nothing else.
///
/// # Errors
/// Whatever makes it none.
pub fn parse(text: &str) -> Result<Value, JsonError> {
    let mut parser = Parser { text, at: 0 };
    let value = parser.value(DEPTH)?;
    parser.space();
    if parser.at < text.len() {
        return Err(parser.wrong());
    }
    Ok(value)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn wrong(&self) -> JsonError {
        JsonError::Syntax(self.at)
    }

    fn peek(&self) -> u8 {
        // No text has a zero byte outside of strings.
        self.text.as_bytes().get(self.at).copied().unwrap_or(0)
    }

    /// What has been gone past. Only ASCII is stopped at, so no character is cut; a slice that could panic would bring
    /// the standard library's sentence about it.
    fn since(&self, start: usize) -> &str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    fn space(&mut self) {
        while matches!(self.peek(), b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
    }

    /// Goes past a byte, if it is the next.
    fn takes(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == byte;
        self.at += usize::from(is_next);
        is_next
    }

    fn expect(&mut self, byte: u8) -> Result<(), JsonError> {
        if self.takes(byte) {
            Ok(())
        } else {
            Err(self.wrong())
        }
    }

    fn value(&mut self, depth: usize) -> Result<Value, JsonError> {
        let depth = depth.checked_sub(1).ok_or(JsonError::Depth)?;
        self.space();
        match self.peek() {
            b'"' => self.string().map(Value::Text),
            b'[' => self.list(depth),
            b'{' => self.object(depth),
            b'n' => self.word("null", Value::Null),
            b't' => self.word("true", Value::Bool(true)),
            b'f' => self.word("false", Value::Bool(false)),
            _ => self.number(),
        }
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, JsonError> {
        for &byte in word.as_bytes() {
            self.expect(byte)?;
        }
        Ok(value)
    }

    fn list(&mut self, depth: usize) -> Result<Value, JsonError> {
        let mut values = Vec::new();
        self.each(b'[', b']', |parser| {
            values.push(parser.value(depth)?);
            Ok(())
        })?;
        Ok(Value::List(values))
    }

    fn object(&mut self, depth: usize) -> Result<Value, JsonError> {
        let mut fields = Vec::new();
        self.each(b'{', b'}', |parser| {
            parser.space();
            let name = parser.string()?;
            parser.space();
            parser.expect(b':')?;
            fields.push((name, parser.value(depth)?));
            Ok(())
        })?;
        Ok(Value::Object(fields))
    }

    /// What stands between two brackets, with commas between.
    fn each(
        &mut self,
        open: u8,
        close: u8,
        mut one: impl FnMut(&mut Self) -> Result<(), JsonError>,
    ) -> Result<(), JsonError> {
        self.expect(open)?;
        self.space();
        if self.takes(close) {
            return Ok(());
        }
        loop {
            one(self)?;
            self.space();
            if !self.takes(b',') {
                return self.expect(close);
            }
        }
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        if !self.peek().is_ascii_digit() {
            return Err(self.wrong());
        }
        while self.peek().is_ascii_digit() {
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Result<Value, JsonError> {
        let start = self.at;
        self.takes(b'-');
        // Nothing but a point or an exponent may follow a leading zero.
        if !self.takes(b'0') {
            self.digits()?;
        }
        if self.takes(b'.') {
            self.digits()?;
        }
        if self.takes(b'e') || self.takes(b'E') {
            let _ = self.takes(b'+') || self.takes(b'-');
            self.digits()?;
        }
        Ok(Value::Number(self.since(start).to_owned()))
    }

    fn string(&mut self) -> Result<String, JsonError> {
        self.expect(b'"')?;
        let mut string = String::new();
        loop {
            let start = self.at;
            while !matches!(self.peek(), b'"' | b'\\' | 0..b' ') {
                self.at += 1;
            }
            string.push_str(self.since(start));
            if self.takes(b'"') {
                return Ok(string);
            }
            self.expect(b'\\')?;
            string.push(self.escaped()?);
        }
    }

    /// The character that an escape stands for.
    fn escaped(&mut self) -> Result<char, JsonError> {
        let plain = match self.peek() {
            byte @ (b'"' | b'\\' | b'/') => byte as char,
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                self.at += 1;
                return self.unicode();
            }
            _ => return Err(self.wrong()),
        };
        self.at += 1;
        Ok(plain)
    }

    /// Four digits, or two times four where a character has two halves.
    fn unicode(&mut self) -> Result<char, JsonError> {
        let mut unit = self.unit()?;
        if (0xd800..0xdc00).contains(&unit) {
            self.expect(b'\\')?;
            self.expect(b'u')?;
            let low = self.unit()?;
            if !(0xdc00..0xe000).contains(&low) {
                return Err(self.wrong());
            }
            unit = 0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
        }
        char::from_u32(unit).ok_or_else(|| self.wrong())
    }

    fn unit(&mut self) -> Result<u32, JsonError> {
        let mut unit = 0;
        for _ in 0..4 {
            let digit = (self.peek() as char).to_digit(16);
            unit = unit * 16 + digit.ok_or_else(|| self.wrong())?;
            self.at += 1;
        }
        Ok(unit)
    }
}
