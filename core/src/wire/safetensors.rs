//! The safetensors format: an 8-byte little-endian length, a JSON header of that length, one block of numbers.
//!
//! A codec of our own because the `safetensors` crate adds 48 kB to what a phone downloads; tests hold it against that
//! crate. It reads every dtype's place and the values of a few, and checks all the format promises: tensors lie one
//! behind the other without gaps, and each is as long as its shape says.
//! Source: the format's description in huggingface/safetensors, README.

use half::f16;
use thiserror::Error;

use crate::json::{self, JsonError, Read, Value, Write, fields, object};

/// Largest accepted sizes.
pub mod limits {
    /// Bytes of a header.
    pub const HEADER: usize = 256 * 1024;
    /// Tensors of a file.
    pub const TENSORS: usize = 2_048;
}

/// A file that is not safetensors.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FormatError {
    /// Ends before it is complete.
    #[error("the file ends after {found} bytes, and needs {needed}")]
    Truncated {
        /// Its length.
        found: usize,
        /// The length it needs by its own account.
        needed: usize,
    },
    /// Goes on after its last tensor.
    #[error("{0} bytes follow the last tensor")]
    Trailing(usize),
    /// The header is longer than accepted.
    #[error("the header is said to be {0} bytes long; accepted are {max}", max = limits::HEADER)]
    HeaderTooLong(u64),
    /// More tensors than accepted.
    #[error("{0} tensors; accepted are {max}", max = limits::TENSORS)]
    TooManyTensors(usize),
    /// The header is not the JSON it should be.
    #[error("the header does not parse: {0}")]
    Header(String),
    /// A tensor's place does not fit its shape or its neighbours.
    #[error("the tensor \"{0}\" does not lie where its shape and neighbours put it")]
    Layout(String),
}

/// Puts a file together, tensor by tensor.
#[derive(Debug, Default)]
pub struct Builder {
    metadata: Vec<(String, String)>,
    tensors: Vec<(String, TensorEntry)>,
    data: Vec<u8>,
    /// Where the next tensor's numbers begin.
    end: usize,
}

/// A parsed file. Tensors are read where they lie.
#[derive(Debug)]
pub struct Tensors<'a> {
    metadata: Vec<(String, String)>,
    /// By name.
    entries: Vec<(String, TensorEntry)>,
    file: &'a [u8],
    /// Where the header ends.
    data: usize,
}

/// One tensor of a parsed file.
#[derive(Clone, Copy, Debug)]
pub struct Tensor<'a> {
    /// Type of its numbers, as in `F32`.
    pub dtype: &'a str,
    /// Its shape.
    pub shape: &'a [usize],
    /// Where its numbers begin in the file.
    pub(super) at: usize,
    bytes: &'a [u8],
}

/// Numbers of a tensor that is to be written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Numbers<'a> {
    F32(&'a [f32]),
    F16(&'a [f16]),
    I8(&'a [i8]),
    U8(&'a [u8]),
    U32(&'a [u32]),
}

impl Numbers<'_> {
    pub(super) fn dtype(&self) -> &'static str {
        match self {
            Self::F32(_) => "F32",
            Self::F16(_) => "F16",
            Self::I8(_) => "I8",
            Self::U8(_) => "U8",
            Self::U32(_) => "U32",
        }
    }

    /// Bytes of one number.
    pub(super) fn width(&self) -> usize {
        size_of_dtype(self.dtype()).unwrap_or_default()
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::F32(numbers) => numbers.len(),
            Self::F16(numbers) => numbers.len(),
            Self::I8(numbers) => numbers.len(),
            Self::U8(numbers) => numbers.len(),
            Self::U32(numbers) => numbers.len(),
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::F32(numbers) if cfg!(target_endian = "little") => {
                out.extend_from_slice(bytemuck::cast_slice(numbers));
            }
            Self::F32(numbers) => out.extend(numbers.iter().flat_map(|n| n.to_le_bytes())),
            Self::F16(numbers) => out.extend(numbers.iter().flat_map(|n| n.to_le_bytes())),
            Self::I8(numbers) => out.extend_from_slice(bytemuck::cast_slice(numbers)),
            Self::U8(numbers) => out.extend_from_slice(numbers),
            Self::U32(numbers) => out.extend(numbers.iter().flat_map(|n| n.to_le_bytes())),
        }
    }
}

#[derive(Debug)]
struct TensorEntry {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: Vec<usize>,
}

fields!(TensorEntry {
    dtype,
    shape,
    data_offsets
});

impl Write for TensorEntry {
    fn write(&self, out: &mut String) {
        let fields: [(&str, &dyn Write); 3] = [
            ("dtype", &self.dtype),
            ("shape", &self.shape.as_slice()),
            ("data_offsets", &self.data_offsets.as_slice()),
        ];
        object(out, &fields);
    }
}

/// The entries of a file's metadata.
struct Metadata<'a>(&'a [(String, String)]);

impl Write for Metadata<'_> {
    fn write(&self, out: &mut String) {
        let entries = self.0.iter();
        let fields: Vec<(&str, &dyn Write)> = entries
            .map(|(key, value)| (key.as_str(), value as &dyn Write))
            .collect();
        object(out, &fields);
    }
}

const METADATA: &str = "__metadata__";
const LENGTH_BYTES: usize = 8;

impl Builder {
    /// An empty file.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an entry to the file's metadata.
    pub fn metadata(&mut self, key: &str, value: &str) {
        self.metadata.push((key.to_owned(), value.to_owned()));
    }

    /// Adds an f32 tensor with row-major `values`.
    pub fn tensor(&mut self, name: &str, shape: &[usize], values: &[f32]) {
        self.add(name, shape, Numbers::F32(values));
    }

    /// Adds a tensor with row-major `numbers`.
    pub(super) fn add(&mut self, name: &str, shape: &[usize], numbers: Numbers<'_>) {
        debug_assert_eq!(shape.iter().product::<usize>(), numbers.len());
        self.place(name, shape, numbers.dtype());
        numbers.write(&mut self.data);
    }

    /// Makes room for a tensor whose values do not matter: only [`Self::len`] is asked for.
    pub(super) fn place(&mut self, name: &str, shape: &[usize], dtype: &str) {
        let start = self.end;
        let size = size_of_dtype(dtype).unwrap_or_default();
        self.end += shape.iter().product::<usize>() * size;
        let entry = TensorEntry {
            dtype: dtype.to_owned(),
            shape: shape.to_vec(),
            data_offsets: vec![start, self.end],
        };
        self.tensors.push((name.to_owned(), entry));
    }

    /// The file's length in bytes.
    pub(super) fn len(&self) -> usize {
        LENGTH_BYTES + self.header_bytes().len() + self.end
    }

    fn header_bytes(&self) -> Vec<u8> {
        let metadata = Metadata(&self.metadata);
        let mut fields: Vec<(&str, &dyn Write)> = Vec::with_capacity(self.tensors.len() + 1);
        if !self.metadata.is_empty() {
            fields.push((METADATA, &metadata));
        }
        for (name, entry) in &self.tensors {
            fields.push((name, entry));
        }
        let mut header = String::new();
        object(&mut header, &fields);
        let mut header = header.into_bytes();
        header.resize(header.len().next_multiple_of(8), b' ');
        header
    }

    /// The file's bytes. The header is padded with spaces so that the numbers start at a multiple of 8.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        let header = self.header_bytes();
        let mut file = Vec::with_capacity(LENGTH_BYTES + header.len() + self.data.len());
        file.extend_from_slice(&(header.len() as u64).to_le_bytes());
        file.extend_from_slice(&header);
        file.extend_from_slice(&self.data);
        file
    }
}

/// A file's header, as it stands there, and the numbers behind it; `None` of no such file.
#[must_use]
pub fn parts(file: &[u8]) -> Option<(&str, &[u8])> {
    let (length, rest) = file.split_first_chunk::<LENGTH_BYTES>()?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    let (header, data) = rest.split_at_checked(length)?;
    Some((str::from_utf8(header).ok()?, data))
}

impl<'a> Tensors<'a> {
    /// Reads the header and checks that every tensor lies where it should.
    ///
    /// # Errors
    /// Whatever makes it no safetensors file, or too large a header.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, FormatError> {
        let truncated = |needed| FormatError::Truncated {
            found: bytes.len(),
            needed,
        };
        let (length, rest) = bytes
            .split_first_chunk::<LENGTH_BYTES>()
            .ok_or_else(|| truncated(LENGTH_BYTES))?;
        let length = u64::from_le_bytes(*length);
        let header_len = usize::try_from(length)
            .ok()
            .filter(|&n| n <= limits::HEADER)
            .ok_or(FormatError::HeaderTooLong(length))?;
        if rest.len() < header_len {
            return Err(truncated(LENGTH_BYTES + header_len));
        }
        let (header, data) = rest.split_at(header_len);
        let (metadata, entries) = read_header(header)?;
        let end = check_layout(&entries)?;
        match data.len() {
            found if found < end => Err(truncated(LENGTH_BYTES + header_len + end)),
            found if found > end => Err(FormatError::Trailing(found - end)),
            _ => Ok(Self {
                metadata,
                entries,
                file: bytes,
                data: LENGTH_BYTES + header_len,
            }),
        }
    }

    /// An entry of the metadata.
    #[must_use]
    pub fn metadata(&self, key: &str) -> Option<&str> {
        let mut entries = self.metadata.iter();
        entries.find(|(k, _)| k == key).map(|(_, v)| v.as_str())
    }

    /// Names of the tensors.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|(name, _)| name.as_str())
    }

    /// Whether there are no tensors.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// A tensor by name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Tensor<'_>> {
        let entry = &self.entries[place(&self.entries, name).ok()?].1;
        let [start, end] = entry.offsets()?.map(|offset| self.data + offset);
        Some(Tensor {
            dtype: &entry.dtype,
            shape: &entry.shape,
            at: start,
            bytes: &self.file[start..end],
        })
    }
}

impl<'a> Tensor<'a> {
    /// Its numbers' bytes.
    pub(super) fn into_bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// Appends the values, read as f32, which the dtype must be.
    pub fn read_f32(&self, values: &mut Vec<f32>) {
        debug_assert_eq!(self.dtype, "F32");
        let (numbers, _) = self.bytes.as_chunks::<4>();
        values.extend(numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)));
    }
}

impl TensorEntry {
    fn offsets(&self) -> Option<[usize; 2]> {
        self.data_offsets.as_slice().try_into().ok()
    }
}

/// Where a name is among sorted ones, or should be.
fn place(entries: &[(String, TensorEntry)], name: &str) -> Result<usize, usize> {
    entries.binary_search_by(|(other, _)| other.as_str().cmp(name))
}

type Header = (Vec<(String, String)>, Vec<(String, TensorEntry)>);

/// Metadata, and tensors by name.
fn read_header(bytes: &[u8]) -> Result<Header, FormatError> {
    let misfit = |detail: String| FormatError::Header(detail);
    let text = str::from_utf8(bytes).map_err(|_| misfit("it is no text".to_owned()))?;
    let header = json::parse(text).map_err(|error| misfit(error.to_string()))?;
    let Value::Object(fields) = header else {
        return Err(misfit("it is no object".to_owned()));
    };
    let count = fields.iter().filter(|(name, _)| name != METADATA).count();
    if count > limits::TENSORS {
        return Err(FormatError::TooManyTensors(count));
    }
    let mut metadata = Vec::new();
    let mut tensors = Vec::with_capacity(fields.len());
    for (name, value) in fields {
        let misfit = || FormatError::Header(format!("\"{name}\": {}", JsonError::Misfit));
        if name == METADATA {
            metadata = read_metadata(&value).ok_or_else(misfit)?;
            continue;
        }
        let entry = TensorEntry::read(&value).ok_or_else(misfit)?;
        match place(&tensors, &name) {
            Ok(_) => return Err(FormatError::Header(format!("\"{name}\" comes twice"))),
            Err(at) => tensors.insert(at, (name, entry)),
        }
    }
    Ok((metadata, tensors))
}

fn read_metadata(value: &Value) -> Option<Vec<(String, String)>> {
    let Value::Object(fields) = value else {
        return None;
    };
    let mut entries = Vec::with_capacity(fields.len());
    for (key, value) in fields {
        entries.push((key.clone(), String::read(value)?));
    }
    Some(entries)
}

/// Checks that tensors lie one behind the other, as long as their shapes say, and gives the end of the last.
fn check_layout(tensors: &[(String, TensorEntry)]) -> Result<usize, FormatError> {
    let mut by_place: Vec<&(String, TensorEntry)> = Vec::with_capacity(tensors.len());
    for tensor in tensors {
        let lies_before =
            |other: &&(String, TensorEntry)| other.1.data_offsets < tensor.1.data_offsets;
        by_place.insert(by_place.partition_point(lies_before), tensor);
    }
    let mut at = 0;
    for (name, entry) in by_place {
        let layout = || FormatError::Layout(name.clone());
        let [start, end] = entry.offsets().ok_or_else(layout)?;
        if start != at || end < start {
            return Err(layout());
        }
        let count = entry
            .shape
            .iter()
            .try_fold(1_usize, |n, &dim| n.checked_mul(dim))
            .ok_or_else(layout)?;
        if let Some(size) = size_of_dtype(&entry.dtype)
            && count.checked_mul(size) != Some(end - start)
        {
            return Err(layout());
        }
        at = end;
    }
    Ok(at)
}

/// Bytes of one number; `None` for types of less than a byte or unknown ones, which the messages refuse by name.
fn size_of_dtype(dtype: &str) -> Option<usize> {
    match dtype {
        "BOOL" | "U8" | "I8" => Some(1),
        "F16" | "BF16" | "U16" | "I16" => Some(2),
        "F32" | "U32" | "I32" => Some(4),
        "F64" | "U64" | "I64" => Some(8),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn file(tensors: &[(String, Vec<f32>)]) -> Vec<u8> {
        let mut builder = Builder::new();
        builder.metadata("message", "test");
        for (name, values) in tensors {
            builder.tensor(name, &[values.len()], values);
        }
        builder.finish()
    }

    /// A file with a header by hand and `data` bytes of zeros.
    fn by_hand(header: &str, data: usize) -> Vec<u8> {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(header.as_bytes());
        bytes.resize(bytes.len() + data, 0);
        bytes
    }

    proptest! {
        #[test]
        fn the_reference_crate_reads_what_we_write(
            tensors in prop::collection::btree_map("[a-z]{1,8}", prop::collection::vec(-1e6_f32..1e6, 0..40), 0..6)
        ) {
            let tensors: Vec<_> = tensors.into_iter().collect();
            let bytes = file(&tensors);
            let reference = safetensors::SafeTensors::deserialize(&bytes).unwrap();
            prop_assert_eq!(reference.len(), tensors.len());
            for (name, values) in &tensors {
                let tensor = reference.tensor(name).unwrap();
                prop_assert_eq!(tensor.shape(), &[values.len()]);
                prop_assert_eq!(tensor.data(), bytemuck::cast_slice::<f32, u8>(values));
            }
        }

        #[test]
        fn we_read_what_the_reference_crate_writes(
            tensors in prop::collection::btree_map("[a-z]{1,8}", prop::collection::vec(any::<f32>(), 0..40), 0..6)
        ) {
            let views = tensors.iter().map(|(name, values)| {
                let bytes = bytemuck::cast_slice::<f32, u8>(values);
                let view = safetensors::tensor::TensorView::new(safetensors::Dtype::F32, vec![values.len()], bytes);
                (name.clone(), view.unwrap())
            });
            let bytes = safetensors::serialize(views, None).unwrap();
            let parsed = Tensors::parse(&bytes).unwrap();
            prop_assert_eq!(parsed.names().count(), tensors.len());
            for (name, values) in &tensors {
                let mut read = Vec::new();
                parsed.get(name).unwrap().read_f32(&mut read);
                prop_assert_eq!(
                    read.iter().map(|v| v.to_bits()).collect::<Vec<_>>(),
                    values.iter().map(|v| v.to_bits()).collect::<Vec<_>>()
                );
            }
        }

        #[test]
        fn a_changed_byte_never_panics(at in 0_usize..400, byte: u8) {
            let mut bytes = file(&[("a".to_owned(), vec![1.0; 20]), ("b".to_owned(), vec![2.0; 20])]);
            let at = at % bytes.len();
            bytes[at] = byte;
            let _ = Tensors::parse(&bytes);
        }
    }

    #[test]
    fn every_shorter_file_is_truncated_or_has_no_header() {
        let bytes = file(&[("a".to_owned(), vec![1.0; 5])]);
        for len in 0..bytes.len() {
            let error = Tensors::parse(&bytes[..len]).unwrap_err();
            assert!(
                matches!(error, FormatError::Truncated { .. }),
                "{len}: {error}"
            );
        }
        assert!(Tensors::parse(&bytes).is_ok());
    }

    #[test]
    fn bytes_after_the_last_tensor_are_refused() {
        let mut bytes = file(&[("a".to_owned(), vec![1.0; 5])]);
        bytes.push(0);
        assert_eq!(
            Tensors::parse(&bytes).unwrap_err(),
            FormatError::Trailing(1)
        );
    }

    #[test]
    fn a_header_length_that_lies_is_refused() {
        let mut bytes = file(&[("a".to_owned(), vec![1.0; 5])]);
        bytes[..8].copy_from_slice(&u64::MAX.to_le_bytes());
        assert_eq!(
            Tensors::parse(&bytes).unwrap_err(),
            FormatError::HeaderTooLong(u64::MAX)
        );
    }

    #[test]
    fn the_header_has_a_limit() {
        let padded = |len: usize| format!("{{}}{}", " ".repeat(len - 2));
        assert!(Tensors::parse(&by_hand(&padded(limits::HEADER), 0)).is_ok());
        let error = Tensors::parse(&by_hand(&padded(limits::HEADER + 1), 0)).unwrap_err();
        assert_eq!(error, FormatError::HeaderTooLong(limits::HEADER as u64 + 1));
    }

    #[test]
    fn the_number_of_tensors_has_a_limit() {
        let with = |n: usize| {
            let entries: Vec<String> = (0..n)
                .map(|i| format!(r#""{i}":{{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#))
                .collect();
            by_hand(&format!("{{{}}}", entries.join(",")), 0)
        };
        // Files with that many tensors have a header past its own limit, which is looked at first.
        assert!(matches!(
            Tensors::parse(&with(limits::TENSORS + 1)).unwrap_err(),
            FormatError::HeaderTooLong(_) | FormatError::TooManyTensors(_)
        ));
        assert!(Tensors::parse(&with(100)).is_ok());
    }

    #[test]
    fn tensors_must_lie_one_behind_the_other() {
        let with = |a: &str, b: &str| {
            let entry =
                |place: &str| format!(r#"{{"dtype":"F32","shape":[2],"data_offsets":{place}}}"#);
            by_hand(&format!(r#"{{"a":{},"b":{}}}"#, entry(a), entry(b)), 16)
        };
        assert!(Tensors::parse(&with("[0,8]", "[8,16]")).is_ok());
        for (a, b) in [
            ("[0,8]", "[4,12]"),
            ("[0,8]", "[12,20]"),
            ("[0,4]", "[4,12]"),
            ("[8,0]", "[8,16]"),
        ] {
            let error = Tensors::parse(&with(a, b)).unwrap_err();
            assert!(matches!(error, FormatError::Layout(_)), "{a} {b}: {error}");
        }
    }

    #[test]
    fn a_shape_that_overflows_is_refused() {
        let header = format!(
            r#"{{"a":{{"dtype":"F32","shape":[{m},{m}],"data_offsets":[0,0]}}}}"#,
            m = usize::MAX
        );
        assert_eq!(
            Tensors::parse(&by_hand(&header, 0)).unwrap_err(),
            FormatError::Layout("a".to_owned())
        );
    }
}
