//! Coalitions of any weights: from safetensors files of whatever framework to the members, as JSON.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use constellation_core::aggregate::{mean, squared_distance};
use constellation_core::coalition::{Formed, form, form_from};
use constellation_core::config::{
    DistanceKind, FirstCenters, Formation, LayerScale, Weighting, limits,
};
use constellation_core::distance::{Gram, features};
use constellation_core::params::{ParamSpec, Params};
use constellation_core::rng::{Purpose, Stream};
use safetensors::{Dtype, SafeTensors};
use serde::Serialize;
use thiserror::Error;

/// Where the weights are, and how coalitions form.
#[derive(Args, Clone, Debug)]
pub struct Wanted {
    /// One file with a tensor `weights` of shape [devices, parameters], or one file per device, all with the same
    /// tensors. Numbers are F32, F64, F16 or BF16.
    #[arg(required = true, value_name = "WEIGHTS.safetensors")]
    pub files: Vec<PathBuf>,
    /// Number of coalitions; fewer come out where there are fewer devices.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=i64::from(limits::COALITIONS)))]
    pub k: u32,
    /// Devices that are the first centers, counted from 0, instead of centers drawn by lot.
    #[arg(long, value_delimiter = ',', conflicts_with_all = ["k", "restarts", "first_centers", "seed"])]
    pub centers: Option<Vec<usize>>,
    /// How first centers are drawn.
    #[arg(long, default_value = "random")]
    pub first_centers: Drawn,
    /// Between what distances are taken.
    #[arg(long, default_value = "weights")]
    pub distance: Between,
    /// The model that all devices started from, for deltas; of the same tensors, or a tensor `weights` of shape
    /// [parameters].
    #[arg(long, value_name = "START.safetensors")]
    pub start: Option<PathBuf>,
    /// Whether tensors count as they are, or each divided by its root mean square norm over the devices.
    #[arg(long, default_value = "raw")]
    pub layers: Layers,
    /// What each coalition counts in the global model: all the same, or by number of members.
    #[arg(long, default_value = "coalitions")]
    pub weighting: Counting,
    /// Smaller coalitions are dissolved, and their members join the nearest one.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=i64::from(limits::DEVICES)))]
    pub min_size: u32,
    /// Formations tried with different first centers; the one with the least distance within is kept.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=i64::from(limits::RESTARTS)))]
    pub restarts: u32,
    /// Passes before a formation that does not settle is taken as it is.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=i64::from(limits::ITERATIONS)))]
    pub max_iterations: u32,
    /// Source of the lots that are drawn.
    #[arg(long, default_value_t = 7)]
    pub seed: u32,
}

/// How first centers are drawn.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Drawn {
    /// Each device as likely as the other.
    Random,
    /// Far from the centers drawn so far.
    KMeansPlusPlus,
}

/// Between what distances are taken.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Between {
    /// The weights.
    Weights,
    /// The weights less the model of --start.
    Deltas,
    /// Deltas scaled to length 1.
    UnitDeltas,
}

/// Whether tensors count as they are.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Layers {
    /// They do.
    Raw,
    /// Each is divided by its root mean square norm.
    ByNorm,
}

/// What each coalition counts in the global model.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Counting {
    /// Every coalition the same.
    Coalitions,
    /// By number of members.
    Size,
}

/// What came out. Devices are rows of the tensor, or files in the order given, counted from 0.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Found {
    /// The coalitions.
    pub coalitions: Vec<FoundCoalition>,
    /// Passes of assignment and new centers.
    pub iterations: u32,
    /// What each device counts in the global model; the sum is 1.
    pub global_weighting: Vec<f64>,
}

/// One coalition.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FoundCoalition {
    /// Its members, in order.
    pub members: Vec<usize>,
    /// The member nearest to the barycenter, by the distance asked for.
    pub center: usize,
    /// Root mean square distance of the members' weights to their mean.
    pub spread: f64,
}

/// Weights that no coalitions can form from.
#[derive(Debug, Error)]
pub enum CoalitionsError {
    /// A file cannot be read.
    #[error("cannot read {file}: {source}")]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is not safetensors.
    #[error("{file} is not safetensors: {source}")]
    Format {
        /// The file.
        file: PathBuf,
        /// Why.
        source: safetensors::SafeTensorError,
    },
    /// A single file lacks the tensor.
    #[error(
        "{file} has no tensor \"weights\" of shape [devices, parameters]; it has {found}. \
         Give one such file, or one file per device"
    )]
    NoWeights {
        /// The file.
        file: PathBuf,
        /// Its tensors.
        found: String,
    },
    /// A tensor is of another shape.
    #[error("{file}: tensor \"{tensor}\" has shape {found:?}; allowed: {allowed}")]
    Shape {
        /// The file.
        file: PathBuf,
        /// The tensor.
        tensor: String,
        /// Its shape.
        found: Vec<usize>,
        /// What it may be.
        allowed: String,
    },
    /// A tensor's numbers are of a type that is not read.
    #[error("{file}: tensor \"{tensor}\" is {found:?}; allowed: F32, F64, F16, BF16")]
    Type {
        /// The file.
        file: PathBuf,
        /// The tensor.
        tensor: String,
        /// Its type.
        found: Dtype,
    },
    /// A file's tensors are not those of the first.
    #[error("{file} has the tensors {found}; allowed: those of {first}, {allowed}")]
    OtherTensors {
        /// The file.
        file: PathBuf,
        /// Its tensors.
        found: String,
        /// The file it must agree with.
        first: PathBuf,
        /// That one's tensors.
        allowed: String,
    },
    /// A value is not a number, infinite, or beyond single precision.
    #[error(
        "{file}: device {device}, tensor \"{tensor}\", value {index} is {value}; \
         allowed: finite numbers of single precision"
    )]
    NonFinite {
        /// The file.
        file: PathBuf,
        /// Whose it is, from 0.
        device: Whose,
        /// The tensor.
        tensor: String,
        /// Its index in the tensor, or in the device's row of `weights`.
        index: usize,
        /// What it is.
        value: f32,
    },
    /// No file, no row, or no parameter.
    #[error("{0} has no values")]
    Empty(PathBuf),
    /// Deltas were asked for without a start.
    #[error(
        "distances between deltas need the model that the devices started from: name it with --start START.safetensors"
    )]
    NoStart,
    /// A center is no device, or named twice.
    #[error("--centers names {center}{}; allowed: different devices of 0 to {last}", if *.twice { " twice" } else { "" })]
    Center {
        /// The center.
        center: usize,
        /// Whether it was named before.
        twice: bool,
        /// The last device.
        last: usize,
    },
}

/// Whose weights a value is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// A device, from 0.
    Device(usize),
    /// The model that all started from.
    Start,
}

impl std::fmt::Display for Whose {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Device(device) => device.fmt(f),
            Self::Start => f.write_str("none (the start)"),
        }
    }
}

/// Reads the weights and forms coalitions.
///
/// # Errors
/// The file, the tensor, what was found there and what is allowed.
pub fn coalitions(wanted: &Wanted) -> Result<Found, CoalitionsError> {
    if wanted.start.is_none() && !matches!(wanted.distance, Between::Weights) {
        return Err(CoalitionsError::NoStart);
    }
    let (devices, first) = read_devices(&wanted.files)?;
    let start = wanted.start.as_deref();
    let start = start.map(|file| read_start(file, &first, &devices[0]));
    let start = start.transpose()?;
    let options = wanted.formation();
    let weights: Vec<&Params> = devices.iter().collect();
    let starts: Vec<&Params> = start.iter().cycle().take(weights.len()).collect();
    let vectors = features(options.distance, options.layers, weights, starts);
    let gram = Gram::of(vectors.as_ref());
    let formed = match &wanted.centers {
        Some(centers) => {
            check_centers(centers, devices.len())?;
            form_from(&gram, centers, &options)
        }
        None => {
            let mut stream = Stream::new(wanted.seed, Purpose::Centers, 0, 0);
            form(&gram, &options, &mut stream)
        }
    };
    Ok(found(&formed, &devices, wanted.weighting))
}

impl Wanted {
    fn formation(&self) -> Formation {
        Formation {
            k: self.k,
            first_centers: match self.first_centers {
                Drawn::Random => FirstCenters::Random,
                Drawn::KMeansPlusPlus => FirstCenters::KMeansPlusPlus,
            },
            distance: match self.distance {
                Between::Weights => DistanceKind::Weights,
                Between::Deltas => DistanceKind::Deltas,
                Between::UnitDeltas => DistanceKind::UnitDeltas,
            },
            layers: match self.layers {
                Layers::Raw => LayerScale::Raw,
                Layers::ByNorm => LayerScale::ByNorm,
            },
            weighting: match self.weighting {
                Counting::Coalitions => Weighting::Coalitions,
                Counting::Size => Weighting::Size,
            },
            min_size: self.min_size,
            restarts: self.restarts,
            max_iterations: self.max_iterations,
            ..Formation::default()
        }
    }
}

fn check_centers(centers: &[usize], devices: usize) -> Result<(), CoalitionsError> {
    for (i, &center) in centers.iter().enumerate() {
        let twice = centers[..i].contains(&center);
        if twice || center >= devices {
            let last = devices - 1;
            return Err(CoalitionsError::Center {
                center,
                twice,
                last,
            });
        }
    }
    Ok(())
}

fn found(formed: &Formed, devices: &[Params], counting: Counting) -> Found {
    let mut global_weighting = vec![0.0; devices.len()];
    let mut coalitions = Vec::with_capacity(formed.members.len());
    for (members, &center) in formed.members.iter().zip(&formed.centers) {
        let of_each = match counting {
            Counting::Coalitions => (formed.members.len() * members.len()) as f64,
            Counting::Size => devices.len() as f64,
        };
        for &member in members {
            global_weighting[member] = 1.0 / of_each;
        }
        let barycenter = mean(members.iter().map(|&member| &devices[member]));
        let squares = barycenter.iter().flat_map(|barycenter| {
            let distance = |&member: &usize| squared_distance(&devices[member], barycenter);
            members.iter().map(distance)
        });
        coalitions.push(FoundCoalition {
            members: members.clone(),
            center,
            spread: (squares.sum::<f64>() / members.len() as f64).sqrt(),
        });
    }
    Found {
        coalitions,
        iterations: formed.iterations,
        global_weighting,
    }
}

/// The tensors that a file must have to go with the others.
struct First {
    file: PathBuf,
    /// Whether it is the one file with all devices.
    matrix: bool,
}

fn read_devices(files: &[PathBuf]) -> Result<(Vec<Params>, First), CoalitionsError> {
    let first = First {
        file: files[0].clone(),
        matrix: files.len() == 1,
    };
    if first.matrix {
        return Ok((read_matrix(&first.file)?, first));
    }
    let mut devices: Vec<Params> = Vec::with_capacity(files.len());
    for (device, file) in files.iter().enumerate() {
        let known = devices.first().map(|known| (known.spec(), &first.file));
        let params = read_model(file, Whose::Device(device), known)?;
        devices.push(params);
    }
    Ok((devices, first))
}

fn read_matrix(file: &Path) -> Result<Vec<Params>, CoalitionsError> {
    let bytes = read(file)?;
    let tensors = parse(file, &bytes)?;
    let Ok(tensor) = tensors.tensor(WEIGHTS) else {
        return Err(CoalitionsError::NoWeights {
            file: file.to_owned(),
            found: listed(&spec_of(&tensors)),
        });
    };
    let &[rows, columns] = tensor.shape() else {
        return Err(shape(
            file,
            WEIGHTS,
            tensor.shape(),
            "[devices, parameters]",
        ));
    };
    if rows == 0 || columns == 0 {
        return Err(CoalitionsError::Empty(file.to_owned()));
    }
    let values = numbers(file, WEIGHTS, tensor.dtype(), tensor.data())?;
    let spec = Arc::new(ParamSpec::new([(WEIGHTS.to_owned(), vec![columns])]));
    let row =
        |(device, row): (usize, &[f32])| params(file, Whose::Device(device), row.to_vec(), &spec);
    values.chunks_exact(columns).enumerate().map(row).collect()
}

/// All tensors of a file in the order of their names. `known` is what another file has, and which.
fn read_model(
    file: &Path,
    whose: Whose,
    known: Option<(&Arc<ParamSpec>, &PathBuf)>,
) -> Result<Params, CoalitionsError> {
    let bytes = read(file)?;
    let tensors = parse(file, &bytes)?;
    let spec = spec_of(&tensors);
    if spec.is_empty() {
        return Err(CoalitionsError::Empty(file.to_owned()));
    }
    if let Some((known, first)) = known
        && **known != spec
    {
        return Err(CoalitionsError::OtherTensors {
            file: file.to_owned(),
            found: listed(&spec),
            first: first.clone(),
            allowed: listed(known),
        });
    }
    let mut values = Vec::with_capacity(spec.len());
    for tensor in spec.tensors() {
        if let Ok(view) = tensors.tensor(&tensor.name) {
            values.extend(numbers(file, &tensor.name, view.dtype(), view.data())?);
        }
    }
    let spec = known.map_or_else(|| Arc::new(spec), |(known, _)| Arc::clone(known));
    params(file, whose, values, &spec)
}

/// The model that all devices started from.
fn read_start(file: &Path, first: &First, like: &Params) -> Result<Params, CoalitionsError> {
    if !first.matrix {
        return read_model(file, Whose::Start, Some((like.spec(), &first.file)));
    }
    let bytes = read(file)?;
    let tensors = parse(file, &bytes)?;
    let length = like.values().len();
    let allowed = format!("[{length}] or [1, {length}]");
    let Ok(tensor) = tensors.tensor(WEIGHTS) else {
        return Err(CoalitionsError::OtherTensors {
            file: file.to_owned(),
            found: listed(&spec_of(&tensors)),
            first: first.file.clone(),
            allowed: format!("\"{WEIGHTS}\" {allowed}"),
        });
    };
    if tensor.shape() != [length] && tensor.shape() != [1, length] {
        return Err(shape(file, WEIGHTS, tensor.shape(), &allowed));
    }
    let values = numbers(file, WEIGHTS, tensor.dtype(), tensor.data())?;
    params(file, Whose::Start, values, like.spec())
}

const WEIGHTS: &str = "weights";

fn read(file: &Path) -> Result<Vec<u8>, CoalitionsError> {
    fs::read(file).map_err(|source| CoalitionsError::Read {
        file: file.to_owned(),
        source,
    })
}

fn parse<'a>(file: &Path, bytes: &'a [u8]) -> Result<SafeTensors<'a>, CoalitionsError> {
    SafeTensors::deserialize(bytes).map_err(|source| CoalitionsError::Format {
        file: file.to_owned(),
        source,
    })
}

fn shape(file: &Path, tensor: &str, found: &[usize], allowed: &str) -> CoalitionsError {
    CoalitionsError::Shape {
        file: file.to_owned(),
        tensor: tensor.to_owned(),
        found: found.to_vec(),
        allowed: allowed.to_owned(),
    }
}

/// Names and shapes, in the order of the names.
fn spec_of(tensors: &SafeTensors<'_>) -> ParamSpec {
    let mut all: Vec<(String, Vec<usize>)> = tensors
        .iter()
        .map(|(name, tensor)| (name.to_owned(), tensor.shape().to_vec()))
        .collect();
    all.sort();
    ParamSpec::new(all)
}

/// The first tensors with their shapes, for a sentence.
fn listed(spec: &ParamSpec) -> String {
    const SHOWN: usize = 8;
    let tensors = spec.tensors();
    let shown = tensors.iter().take(SHOWN);
    let mut names: Vec<String> = shown
        .map(|tensor| format!("\"{}\" {:?}", tensor.name, tensor.shape))
        .collect();
    match tensors.len() {
        0 => "none".to_owned(),
        count if count > SHOWN => {
            names.push(format!("and {} more", count - SHOWN));
            names.join(", ")
        }
        _ => names.join(", "),
    }
}

/// Numbers of a tensor in single precision.
fn numbers(
    file: &Path,
    tensor: &str,
    dtype: Dtype,
    bytes: &[u8],
) -> Result<Vec<f32>, CoalitionsError> {
    let halves = || {
        bytes
            .as_chunks::<2>()
            .0
            .iter()
            .map(|b| u16::from_le_bytes(*b))
    };
    Ok(match dtype {
        Dtype::F32 => {
            let (numbers, _) = bytes.as_chunks::<4>();
            numbers.iter().map(|b| f32::from_le_bytes(*b)).collect()
        }
        Dtype::F64 => {
            let (numbers, _) = bytes.as_chunks::<8>();
            let numbers = numbers.iter().map(|b| f64::from_le_bytes(*b));
            numbers.map(|number| number as f32).collect()
        }
        Dtype::BF16 => halves()
            .map(|bits| f32::from_bits(u32::from(bits) << 16))
            .collect(),
        Dtype::F16 => halves().map(from_half).collect(),
        found => {
            return Err(CoalitionsError::Type {
                file: file.to_owned(),
                tensor: tensor.to_owned(),
                found,
            });
        }
    })
}

/// A number of IEEE 754 half precision: 1 bit of sign, 5 of exponent, 10 of mantissa.
fn from_half(bits: u16) -> f32 {
    let (exponent, mantissa) = (i32::from(bits >> 10 & 31), f32::from(bits & 1_023));
    let size = match exponent {
        0 => mantissa * 2.0_f32.powi(-24),
        31 if mantissa == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1_024.0 + mantissa) * 2.0_f32.powi(exponent - 25),
    };
    if bits >> 15 == 1 { -size } else { size }
}

fn params(
    file: &Path,
    device: Whose,
    values: Vec<f32>,
    spec: &Arc<ParamSpec>,
) -> Result<Params, CoalitionsError> {
    let bad = values.iter().position(|value| !value.is_finite());
    let value = bad.map_or(0.0, |at| values[at]);
    Params::try_new(values, spec).map_err(|_| {
        let at = bad.unwrap_or_default();
        let holds = |t: &&constellation_core::params::TensorSpec| at < t.offset + t.len;
        let tensor = spec.tensors().iter().find(holds);
        CoalitionsError::NonFinite {
            file: file.to_owned(),
            device,
            tensor: tensor.map_or_else(String::new, |t| t.name.clone()),
            index: at - tensor.map_or(0, |t| t.offset),
            value,
        }
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use safetensors::tensor::TensorView;
    use tempfile::TempDir;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        wanted: Wanted,
    }

    /// A folder with files of tensors: name, type, shape, bytes.
    type Tensor<'a> = (&'a str, Dtype, Vec<usize>, Vec<u8>);

    fn write(folder: &TempDir, file: &str, tensors: Vec<Tensor<'_>>) -> String {
        let views = tensors.iter().map(|(name, dtype, shape, bytes)| {
            let view = TensorView::new(*dtype, shape.clone(), bytes).unwrap();
            ((*name).to_owned(), view)
        });
        let path = folder.path().join(file);
        fs::write(&path, safetensors::serialize(views, None).unwrap()).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn f32s<'a>(name: &'a str, shape: &[usize], values: &[f32]) -> Tensor<'a> {
        let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        (name, Dtype::F32, shape.to_vec(), bytes)
    }

    fn ask(files: &[&str], flags: &str) -> Result<Found, CoalitionsError> {
        let words = ["lab"].into_iter().chain(files.iter().copied());
        let line = Line::try_parse_from(words.chain(flags.split_whitespace())).unwrap();
        coalitions(&line.wanted)
    }

    /// Five devices on the first axis of the plane.
    fn on_a_line(folder: &TempDir) -> String {
        let rows = [0.0, 0.0, 2.0, 0.0, 10.0, 0.0, 11.0, 0.0, 14.0, 0.0];
        write(
            folder,
            "line.safetensors",
            vec![f32s("weights", &[5, 2], &rows)],
        )
    }

    #[test]
    fn coalitions_of_rows_by_hand() {
        let folder = TempDir::new().unwrap();
        let file = on_a_line(&folder);
        // As in the core's test of given centers: {0, 2} around 1 and {10, 11, 14} around 35/3.
        let found = ask(&[&file], "--centers 2,4").unwrap();
        assert_eq!(found.iterations, 3);
        assert_eq!(found.coalitions[0].members, [0, 1]);
        assert_eq!(found.coalitions[1].members, [2, 3, 4]);
        assert_eq!(found.coalitions[1].center, 3);
        assert!((found.coalitions[0].spread - 1.0).abs() < 1e-6);
        // (5/3)² + (2/3)² + (7/3)² = 78/9.
        assert!((found.coalitions[1].spread - (78.0_f64 / 27.0).sqrt()).abs() < 1e-6);
        let (quarter, sixth) = (0.25, 1.0 / 6.0);
        assert_eq!(
            found.global_weighting,
            [quarter, quarter, sixth, sixth, sixth]
        );
        let by_size = ask(&[&file], "--centers 2,4 --weighting size").unwrap();
        assert_eq!(by_size.global_weighting, [0.2; 5]);
        // Drawn centers: with restarts the best is found.
        let drawn = ask(&[&file], "--k 2 --restarts 20 --seed 3").unwrap();
        assert_eq!(drawn.coalitions.len(), 2);
        let joined = ask(&[&file], "--centers 0,2,4 --min-size 2").unwrap();
        assert_eq!(joined.coalitions.len(), 2);
        assert_eq!(joined.coalitions[1].members, [2, 3, 4]);
    }

    #[test]
    fn the_json_is_the_contract() {
        let folder = TempDir::new().unwrap();
        let values = f32s("weights", &[2, 1], &[1.0, 1.0]);
        let file = write(&folder, "two.safetensors", vec![values]);
        let found = ask(&[&file], "--k 1").unwrap();
        assert_eq!(
            serde_json::to_string(&found).unwrap(),
            r#"{"coalitions":[{"members":[0,1],"center":0,"spread":0.0}],"iterations":2,"global_weighting":[0.5,0.5]}"#
        );
    }

    #[test]
    fn one_file_a_device_in_any_order_of_tensors_and_any_float_type() {
        let folder = TempDir::new().unwrap();
        let near = write(
            &folder,
            "a",
            vec![f32s("b", &[1], &[1.0]), f32s("a", &[2], &[3.0, 5.0])],
        );
        let doubles = |values: &[f64]| values.iter().flat_map(|v| v.to_le_bytes()).collect();
        let same = write(
            &folder,
            "b",
            vec![
                ("a", Dtype::F64, vec![2], doubles(&[3.0, 5.0])),
                ("b", Dtype::F64, vec![1], doubles(&[1.0])),
            ],
        );
        // 3, 5 and 1 as halves; 100 (0x42c8), 5 and 1 as the upper halves of singles.
        let halves = |bits: &[u16]| bits.iter().flat_map(|v| v.to_le_bytes()).collect();
        let half = write(
            &folder,
            "c",
            vec![
                ("a", Dtype::F16, vec![2], halves(&[0x4200, 0x4500])),
                ("b", Dtype::F16, vec![1], halves(&[0x3c00])),
            ],
        );
        let far = write(
            &folder,
            "d",
            vec![
                ("a", Dtype::BF16, vec![2], halves(&[0x42c8, 0x40a0])),
                ("b", Dtype::BF16, vec![1], halves(&[0x3f80])),
            ],
        );
        let found = ask(&[&near, &same, &half, &far], "--centers 0,3").unwrap();
        assert_eq!(found.coalitions[0].members, [0, 1, 2]);
        assert_eq!(found.coalitions[0].spread, 0.0);
        assert_eq!(found.coalitions[1].members, [3]);
    }

    #[test]
    fn halves_by_hand() {
        let all = [0x3555, 0xc000, 0x0001, 0x7bff, 0x8000].map(from_half);
        assert_eq!(
            all,
            [1_365.0 / 4_096.0, -2.0, 1.0 / 16_777_216.0, 65_504.0, 0.0]
        );
        assert!(from_half(0x7c00).is_infinite() && from_half(0x7e00).is_nan());
    }

    #[test]
    fn deltas_are_taken_from_the_start() {
        let folder = TempDir::new().unwrap();
        // From (1, 0): deltas (9, 0), (1, 0), (0, 9), (0, 1). By angle 0 goes with 1; by weights 1 goes with 3.
        let rows = [10.0, 0.0, 2.0, 0.0, 1.0, 9.0, 1.0, 1.0];
        let file = write(&folder, "w", vec![f32s("weights", &[4, 2], &rows)]);
        let start = write(&folder, "s", vec![f32s("weights", &[2], &[1.0, 0.0])]);
        let members = |flags: &str| -> Vec<Vec<usize>> {
            let found = ask(&[&file], flags).unwrap();
            found.coalitions.into_iter().map(|c| c.members).collect()
        };
        let by_angle = format!("--centers 0,2 --distance unit-deltas --start {start}");
        assert_eq!(members(&by_angle), [[0, 1], [2, 3]]);
        assert_eq!(members("--centers 0,2,3"), [vec![0], vec![2], vec![1, 3]]);
        let error = ask(&[&file], "--distance deltas").unwrap_err();
        assert!(error.to_string().contains("--start"), "{error}");
    }

    #[test]
    fn errors_name_file_tensor_and_what_is_allowed() {
        let folder = TempDir::new().unwrap();
        let line = on_a_line(&folder);
        let says = |files: &[&str], flags: &str, words: &[&str]| {
            let error = ask(files, flags).unwrap_err().to_string();
            for word in words {
                assert!(error.contains(word), "{word}: {error}");
            }
        };
        says(&["nowhere"], "", &["cannot read nowhere"]);
        let other = write(&folder, "other", vec![f32s("w", &[2, 1], &[1.0, 2.0])]);
        says(
            &[&other],
            "",
            &["other", "\"w\" [2, 1]", "[devices, parameters]"],
        );
        says(
            &[&line, &other],
            "",
            &["other has the tensors \"w\" [2, 1]", "\"weights\" [5, 2]"],
        );
        let flat = write(&folder, "flat", vec![f32s("weights", &[2], &[1.0, 2.0])]);
        says(&[&flat], "", &["flat", "[2]", "[devices, parameters]"]);
        let whole = ("weights", Dtype::I32, vec![1, 1], vec![0; 4]);
        let whole = write(&folder, "whole", vec![whole]);
        says(&[&whole], "", &["whole", "I32", "F32, F64, F16, BF16"]);
        let bad = [0.0, 0.0, 0.0, f32::NAN];
        let bad = write(&folder, "bad", vec![f32s("weights", &[2, 2], &bad)]);
        says(&[&bad], "", &["bad: device 1", "value 1 is NaN"]);
        let two = [
            f32s("a", &[2], &[0.0; 2]),
            f32s("b", &[2], &[0.0, f32::INFINITY]),
        ];
        let two = write(&folder, "two", two.into());
        let fine = [f32s("a", &[2], &[0.0; 2]), f32s("b", &[2], &[0.0; 2])];
        let fine = write(&folder, "fine", fine.into());
        says(
            &[&fine, &two],
            "",
            &["two: device 1", "tensor \"b\", value 1 is inf"],
        );
        says(&[&line], "--centers 0,5", &["names 5", "0 to 4"]);
        says(&[&line], "--centers 3,3", &["3 twice"]);
        let start = format!("--distance deltas --start {flat}x");
        says(&[&line], &start, &["cannot read", "flatx"]);
        let long = write(&folder, "long", vec![f32s("weights", &[3], &[0.0; 3])]);
        let start = format!("--distance deltas --start {long}");
        says(&[&line], &start, &["long", "[3]", "[2] or [1, 2]"]);
        let junk = folder.path().join("junk");
        fs::write(&junk, "no").unwrap();
        says(&[junk.to_str().unwrap()], "", &["junk is not safetensors"]);
        let none = write(&folder, "none", vec![f32s("weights", &[0, 4], &[])]);
        says(&[&none], "", &["none has no values"]);
    }
}
