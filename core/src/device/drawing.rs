//! A drawing on a device: what its models take it for, and learning from it.

use std::sync::Arc;

use thiserror::Error;

use super::{Device, RunState, show_examples};
use crate::config::limits;
use crate::data::{DatasetName, Examples, LocalData, Shape};
use crate::decimal::Shown;
use crate::params::Params;
use crate::view::Guess;

/// A drawing that a device can make nothing of.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum DrawingError {
    /// It has no examples yet.
    #[error("the device is not ready yet")]
    NotReady,
    /// Its examples are no images.
    #[error("the run's examples are no images")]
    NoImages,
    /// Too few or too many pixels.
    #[error("the image has {found} pixels, and should have {expected}")]
    Size {
        /// As many were given.
        found: usize,
        /// As many are needed.
        expected: usize,
    },
    /// A pixel that is no grey value.
    #[error("pixel {pixel} is {}, and must be 0 to 1", Shown(f64::from(*value)))]
    Pixel {
        /// Where.
        pixel: usize,
        /// Its value.
        value: f32,
    },
    /// No label of the data set.
    #[error("the label is {label}, and must be below {classes}")]
    Label {
        /// The label.
        label: u8,
        /// Number of labels.
        classes: u32,
    },
    /// Enough has been taught.
    #[error(
        "this device has been taught {} examples already, and takes no more",
        limits::TAUGHT
    )]
    Full,
}

/// An example that its user taught a device, as nobody's group sees it.
#[derive(Debug)]
pub(super) struct Taught {
    dataset: DatasetName,
    image: Vec<f32>,
    width: usize,
    label: u8,
}

impl Taught {
    /// Adds it to the device's data, if it is of their kind.
    pub(super) fn add_to(&self, data: &mut LocalData, dataset: DatasetName) {
        if self.dataset == dataset {
            data.teach(&self.image, self.width, self.label);
        }
    }
}

impl Device {
    /// What the device's models take an image for: pixels from 0 to 1, row by row, upright. The device sees it as its
    /// group sees images. Without [`Device::guessing`] it has no models.
    ///
    /// # Errors
    /// It is no such image.
    pub fn guess(&self, image: &[f32]) -> Result<Guess, DrawingError> {
        let (run, data) = ready(self.run.as_ref())?;
        let width = check(image, run.configured.config.data.shape())?;
        let seen = data.view.image(image, width);
        let mut example = Examples::new(seen.len());
        example.push(seen.iter().copied(), 0);
        let mut work = run.network.workspace(1);
        let mut ask = |model: &Option<Arc<Params>>| {
            let weights = run.network.pack(model.as_ref()?);
            Some(run.network.probabilities(&weights, example.x(0), &mut work))
        };
        let models = run.guessing.as_ref();
        Ok(Guess {
            own: models.and_then(|models| ask(&models.own)),
            coalition: models.and_then(|models| ask(&models.coalition)),
            global: models.and_then(|models| ask(&models.global)),
            seen: seen.iter().map(|v| (v * 255.0) as u8).collect(),
        })
    }

    /// Adds an image, as [`Device::guess`] takes it, and what it shows to the training examples, from the next round
    /// on. It never leaves the device.
    ///
    /// # Errors
    /// It is no such image, there is no such label, or the device has been taught [`limits::TAUGHT`] already.
    pub fn teach(&mut self, image: &[f32], label: u8) -> Result<(), DrawingError> {
        let (run, data) = ready(self.run.as_ref())?;
        let dataset = run.configured.config.data.dataset;
        let shape = run.configured.config.data.shape();
        let width = check(image, shape)?;
        let classes = shape.classes;
        if u32::from(label) >= classes {
            return Err(DrawingError::Label { label, classes });
        }
        if data.own >= limits::TAUGHT {
            return Err(DrawingError::Full);
        }
        let taught = Taught {
            dataset,
            image: image.to_vec(),
            width,
            label,
        };
        if let Some(data) = self.run.as_mut().and_then(|run| run.data.as_mut()) {
            // The round under way goes on with the data it began with.
            let data = Arc::make_mut(data);
            taught.add_to(data, dataset);
            show_examples(&mut self.view, data, classes as usize);
        }
        self.taught.push(taught);
        Ok(())
    }
}

fn ready(run: Option<&RunState>) -> Result<(&RunState, &LocalData), DrawingError> {
    run.and_then(|run| Some((run, run.data.as_deref()?)))
        .ok_or(DrawingError::NotReady)
}

/// Whether it is an image of this shape; its width.
fn check(image: &[f32], shape: Shape) -> Result<usize, DrawingError> {
    let (width, height) = shape.image.ok_or(DrawingError::NoImages)?;
    let (found, expected) = (image.len(), (width * height) as usize);
    if found != expected {
        return Err(DrawingError::Size { found, expected });
    }
    match image.iter().position(|v| !(0.0..=1.0).contains(v)) {
        Some(pixel) => Err(DrawingError::Pixel {
            pixel,
            value: image[pixel],
        }),
        None => Ok(width as usize),
    }
}
