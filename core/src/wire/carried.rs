//! Models as they travel: what a file holds of each, written and read.

use std::sync::Arc;

use super::delta::{Delta, DeltaHeader, Encoded};
use super::message::{Models, WireError};
use super::safetensors::{self, Numbers, Tensors};
use crate::by_name::ByName;
use crate::params::{ParamSpec, Params, Values};
use crate::sketch::{self, Sketch};

const MESSAGE: &str = "message";
/// What the name of a sketch's tensor ends in.
const SKETCH: &str = "sketch";

/// A model as it travels.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Carried<'a> {
    /// All its values, in the order of the spec.
    Weights(&'a ParamSpec, &'a [f32]),
    /// A delta.
    Delta(&'a Encoded),
    /// A sketch.
    Sketch(&'a Sketch),
}

impl Carried<'_> {
    /// Its tensors of one dimension, by what their names end in. Those of plain weights have shapes of their own.
    fn numbers(&self) -> Vec<(&'static str, Numbers<'_>)> {
        match self {
            Self::Weights(..) => Vec::new(),
            Self::Delta(encoded) => encoded.tensors(),
            Self::Sketch(sketch) => vec![(SKETCH, Numbers::I8(sketch.numbers()))],
        }
    }
}

/// What a header says of the models that travel as deltas.
pub(super) fn delta_headers(models: &[(String, Carried<'_>)]) -> Vec<DeltaHeader> {
    let mut headers = Vec::new();
    for (name, carried) in models {
        if let Carried::Delta(encoded) = carried {
            headers.push(encoded.header(name));
        }
    }
    headers
}

pub(super) fn encode(
    message: &str,
    entry: &str,
    header: &str,
    models: &[(String, Carried<'_>)],
) -> Vec<u8> {
    let mut file = safetensors::Builder::new();
    file.metadata(MESSAGE, message);
    file.metadata(entry, header);
    // Numbers of four bytes first, and single bytes last: so all lie where their types want them.
    for width in [4, 2, 1] {
        for (model, carried) in models {
            if let Carried::Weights(spec, values) = carried
                && width == size_of::<f32>()
            {
                for tensor in spec.tensors() {
                    let name = format!("{model}/{}", tensor.name);
                    file.tensor(&name, &tensor.shape, tensor.of(values));
                }
            }
            for (suffix, numbers) in carried.numbers() {
                if numbers.width() == width {
                    let name = format!("{model}/{suffix}");
                    file.add(&name, &[numbers.len()], numbers);
                }
            }
        }
    }
    file.finish()
}

/// Length of what [`encode`] would give, whatever the values of weights are.
pub(super) fn encoded_len(
    message: &str,
    entry: &str,
    header: &str,
    models: &[(String, Carried<'_>)],
) -> u64 {
    let mut file = safetensors::Builder::new();
    file.metadata(MESSAGE, message);
    file.metadata(entry, header);
    for (model, carried) in models {
        if let Carried::Weights(spec, _) = carried {
            for tensor in spec.tensors() {
                file.place(&format!("{model}/{}", tensor.name), &tensor.shape, "F32");
            }
        }
        for (suffix, numbers) in carried.numbers() {
            let name = format!("{model}/{suffix}");
            file.place(&name, &[numbers.len()], numbers.dtype());
        }
    }
    file.len() as u64
}

/// The JSON of a message.
pub(super) fn metadata<'a>(
    file: &'a Tensors<'_>,
    message: &str,
    entry: &'static str,
) -> Result<&'a str, WireError> {
    match file.metadata(MESSAGE) {
        Some(found) if found == message => {}
        found => {
            let detail = match found {
                Some(found) => format!("it is \"{found}\", and must be \"{message}\""),
                None => "it is missing".to_owned(),
            };
            return Err(WireError::Metadata {
                entry: MESSAGE,
                detail,
            });
        }
    }
    file.metadata(entry).ok_or_else(|| WireError::Metadata {
        entry,
        detail: "it is missing".to_owned(),
    })
}

/// Models of a file, by name.
pub(super) struct ReadModels {
    pub(super) weights: ByName<Params>,
    /// No map: of another type it would be kilobytes more for phones.
    pub(super) deltas: Vec<(String, Delta)>,
}

/// Reads one model per name, some of which are deltas; every tensor of the file must belong to one of them. `words` is
/// the file as numbers, if weights may stay there; `entry` is the metadata's in which `deltas` are.
pub(super) fn read_models(
    file: &Tensors<'_>,
    words: Option<&Arc<Vec<f32>>>,
    spec: &Arc<ParamSpec>,
    names: &[&str],
    entry: &'static str,
    deltas: &[DeltaHeader],
) -> Result<ReadModels, WireError> {
    for (i, delta) in deltas.iter().enumerate() {
        let name = delta.model.as_str();
        let twice = deltas[..i].iter().any(|other| other.model == name);
        if twice || !names.contains(&name) {
            return Err(WireError::Metadata {
                entry,
                detail: format!("\"{name}\" is no model of this message, or twice a delta"),
            });
        }
    }
    if let Some(name) = file
        .names()
        .find(|name| !belongs(name, spec, names, deltas))
    {
        return Err(WireError::UnknownTensor(name.to_owned()));
    }
    let mut read = ReadModels {
        weights: ByName::new(),
        deltas: Vec::new(),
    };
    for &name in names {
        let delta = deltas.iter().find(|delta| delta.model == name);
        let encoded = delta
            .map(|delta| delta.read(file, spec.len()))
            .transpose()?;
        let values = match &encoded {
            Some(encoded) => {
                let values = encoded.payload.decode(spec.len());
                values
                    .ok_or_else(|| WireError::Index(name.to_owned()))?
                    .into()
            }
            None => read_weights(file, words, spec, name)?,
        };
        let values = Params::of(values, spec).map_err(|source| WireError::Values {
            arm: name.to_owned(),
            source,
        })?;
        let name = name.to_owned();
        match encoded {
            Some(encoded) => read.deltas.push((name, Delta { encoded, values })),
            None => read.weights.insert(name, values),
        }
    }
    Ok(read)
}

/// All values of a model, in the order of the spec: among `words`, the file's, if they lie there as they are needed.
fn read_weights(
    file: &Tensors<'_>,
    words: Option<&Arc<Vec<f32>>>,
    spec: &ParamSpec,
    model: &str,
) -> Result<Values, WireError> {
    let mut tensors = Vec::with_capacity(spec.tensors().len());
    for tensor in spec.tensors() {
        let name = format!("{model}/{}", tensor.name);
        let found = file
            .get(&name)
            .ok_or_else(|| WireError::MissingTensor(name.clone()))?;
        if found.dtype != "F32" {
            return Err(WireError::WrongType {
                name,
                dtype: found.dtype.to_owned(),
                expected: "F32",
            });
        }
        if found.shape != tensor.shape {
            return Err(WireError::WrongShape {
                name,
                found: found.shape.to_vec(),
                expected: tensor.shape.clone(),
            });
        }
        tensors.push(found);
    }
    let width = size_of::<f32>();
    let start = tensors.first().map_or(0, |tensor| tensor.at);
    let in_order = (tensors.iter().zip(spec.tensors()))
        .all(|(tensor, place)| tensor.at == start + place.offset * width);
    Ok(match words {
        Some(words) if in_order && start % width == 0 && cfg!(target_endian = "little") => {
            Values::among(words, start / width..start / width + spec.len())
        }
        _ => {
            let mut values = Vec::with_capacity(spec.len());
            for tensor in tensors {
                tensor.read_f32(&mut values);
            }
            values.into()
        }
    })
}

/// Whether a tensor is one of the named models', of which some are deltas.
pub(super) fn belongs(
    name: &str,
    spec: &ParamSpec,
    models: &[&str],
    deltas: &[DeltaHeader],
) -> bool {
    let Some((model, tensor)) = name.split_once('/') else {
        return false;
    };
    match deltas.iter().find(|delta| delta.model == model) {
        Some(delta) => delta.has(tensor),
        None => models.contains(&model) && spec.tensors().iter().any(|t| t.name == tensor),
    }
}

/// The sketches of all arms that ask for one; there must be nothing else in the file.
pub(super) fn read_sketches(
    file: &Tensors<'_>,
    models: &Models,
) -> Result<ByName<Sketch>, WireError> {
    let is_known = |tensor: &&str| {
        models
            .sketching
            .iter()
            .any(|arm| sketch_name(arm) == **tensor)
    };
    if let Some(name) = file.names().find(|tensor| !is_known(tensor)) {
        return Err(WireError::UnknownTensor(name.to_owned()));
    }
    let mut sketches = ByName::new();
    for arm in &models.sketching {
        let name = sketch_name(arm);
        let found = numbers(file, name.clone(), "I8", Some(sketch::NUMBERS))?;
        let sketch = Sketch::try_new(bytemuck::cast_slice(found).to_vec());
        let sketch = sketch.ok_or(WireError::MissingTensor(name))?;
        sketches.insert(arm.clone(), sketch);
    }
    Ok(sketches)
}

/// The bytes of a tensor with one dimension and `expected` numbers, if it matters how many.
pub(super) fn numbers<'a>(
    file: &'a Tensors<'_>,
    name: String,
    dtype: &'static str,
    expected: Option<usize>,
) -> Result<&'a [u8], WireError> {
    let Some(found) = file.get(&name) else {
        return Err(WireError::MissingTensor(name));
    };
    if found.dtype != dtype {
        return Err(WireError::WrongType {
            name,
            dtype: found.dtype.to_owned(),
            expected: dtype,
        });
    }
    let expected = expected.unwrap_or_else(|| found.shape.iter().product());
    if found.shape != [expected] {
        return Err(WireError::WrongShape {
            name,
            found: found.shape.to_vec(),
            expected: vec![expected],
        });
    }
    Ok(found.into_bytes())
}

pub(super) fn sketch_name(arm: &str) -> String {
    format!("{arm}/{SKETCH}")
}
