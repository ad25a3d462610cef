//! IDX files, the format MNIST came in: two zero bytes, a type, a number of dimensions, the dimensions as big-endian
//! u32, the values. Source: Y. LeCun's page on MNIST.

use thiserror::Error;

use super::DatasetName;

/// Grey images with labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Images {
    pixels: Vec<u8>,
    labels: Vec<u8>,
    width: usize,
    pixels_per_image: usize,
}

/// A file that is no IDX file of images or labels.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum IdxError {
    /// The first four bytes are not those of such values in so many dimensions.
    #[error("an IDX file of {values} in {dimensions} dimensions was expected")]
    Magic {
        /// Type of the values.
        values: &'static str,
        /// Number of dimensions.
        dimensions: u8,
    },
    /// The file is shorter or longer than its dimensions say.
    #[error("the file has {found} bytes, and its dimensions need {needed}")]
    Length {
        /// Its length.
        found: usize,
        /// What its dimensions need.
        needed: usize,
    },
    /// The data set has no images.
    #[error("the data set has no images")]
    NoImages,
    /// The images have another size than the data set's.
    #[error("the images are {width}×{height}, and should be {expected_width}×{expected_height}")]
    Size {
        /// Found.
        width: usize,
        /// Found.
        height: usize,
        /// The data set's.
        expected_width: u32,
        /// The data set's.
        expected_height: u32,
    },
    /// Not as many labels as images.
    #[error("{images} images and {labels} labels")]
    Count {
        /// Number of images.
        images: usize,
        /// Number of labels.
        labels: usize,
    },
    /// A label past the data set's last.
    #[error("label {label} of example {example}; labels are below {classes}")]
    Label {
        /// The label.
        label: u8,
        /// Where.
        example: usize,
        /// Number of labels.
        classes: u32,
    },
    /// The file does not unzip.
    #[error("the file does not unzip: {0}")]
    Gzip(String),
}

impl Images {
    /// Reads unzipped files of images and labels.
    ///
    /// # Errors
    /// Whatever makes them no images and labels of this data set.
    pub fn read(name: DatasetName, images: &[u8], labels: &[u8]) -> Result<Self, IdxError> {
        let ([count, height, width], pixels) = parse::<3>(U8, images)?;
        let ([label_count], labels) = parse::<1>(U8, labels)?;
        let (expected_width, expected_height) = name.image().ok_or(IdxError::NoImages)?;
        if (width, height) != (expected_width as usize, expected_height as usize) {
            return Err(IdxError::Size {
                width,
                height,
                expected_width,
                expected_height,
            });
        }
        if count != label_count {
            return Err(IdxError::Count {
                images: count,
                labels: label_count,
            });
        }
        let classes = name.classes();
        if let Some(example) = labels.iter().position(|&label| u32::from(label) >= classes) {
            return Err(IdxError::Label {
                label: labels[example],
                example,
                classes,
            });
        }
        Ok(Self {
            pixels: pixels.to_vec(),
            labels: labels.to_vec(),
            width,
            pixels_per_image: width * height,
        })
    }

    /// The pixels of one image, row after row.
    #[must_use]
    pub fn image(&self, i: usize) -> &[u8] {
        &self.pixels[i * self.pixels_per_image..(i + 1) * self.pixels_per_image]
    }

    /// All labels.
    #[must_use]
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }

    /// The same images with other labels, each made of the old one.
    pub(super) fn relabelled(&self, rename: impl Fn(u8) -> u8) -> Self {
        Self {
            labels: self.labels.iter().map(|&l| rename(l)).collect(),
            ..self.clone()
        }
    }

    /// Pixels of a row.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Pixels of an image.
    #[must_use]
    pub fn pixels_per_image(&self) -> usize {
        self.pixels_per_image
    }
}

/// A type of values in IDX files.
#[derive(Clone, Copy, Debug)]
pub(super) struct Values {
    pub(super) code: u8,
    name: &'static str,
    bytes: usize,
}

/// Pixels and labels.
const U8: Values = Values {
    code: 8,
    name: "u8",
    bytes: 1,
};

/// Signals, big-endian.
pub(super) const I16: Values = Values {
    code: 0x0B,
    name: "i16",
    bytes: 2,
};

/// The dimensions of a file, and its values as bytes.
pub(super) fn parse<const DIMENSIONS: usize>(
    values: Values,
    bytes: &[u8],
) -> Result<([usize; DIMENSIONS], &[u8]), IdxError> {
    let magic = || IdxError::Magic {
        values: values.name,
        dimensions: DIMENSIONS as u8,
    };
    let (found, rest) = bytes.split_first_chunk::<4>().ok_or_else(magic)?;
    if *found != [0, 0, values.code, DIMENSIONS as u8] {
        return Err(magic());
    }
    let length = |needed| IdxError::Length {
        found: bytes.len(),
        needed,
    };
    let (header, content) = rest
        .split_at_checked(4 * DIMENSIONS)
        .ok_or_else(|| length(4 + 4 * DIMENSIONS))?;
    let mut dimensions = [0; DIMENSIONS];
    for (dimension, bytes) in dimensions.iter_mut().zip(header.as_chunks::<4>().0) {
        *dimension = u32::from_be_bytes(*bytes) as usize;
    }
    let needed = dimensions
        .iter()
        .try_fold(values.bytes, |n, &d| n.checked_mul(d))
        .unwrap_or(usize::MAX);
    if content.len() == needed {
        Ok((dimensions, content))
    } else {
        Err(length(needed.saturating_add(4 + header.len())))
    }
}

/// Unzips a file.
///
/// # Errors
/// The file is not gzip, or broken.
#[cfg(feature = "gzip")]
pub fn gunzip(bytes: &[u8]) -> Result<Vec<u8>, IdxError> {
    use std::io::Read;
    let mut unzipped = Vec::new();
    flate2::read::GzDecoder::new(bytes)
        .read_to_end(&mut unzipped)
        .map_err(|error| IdxError::Gzip(error.to_string()))?;
    Ok(unzipped)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: DatasetName = DatasetName::MnistSmall;

    fn images(count: u8) -> Vec<u8> {
        let mut bytes = vec![0, 0, U8.code, 3, 0, 0, 0, count, 0, 0, 0, 28, 0, 0, 0, 28];
        bytes.extend((0..usize::from(count) * 784).map(|p| (p / 784) as u8));
        bytes
    }

    fn labels(labels: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 0, U8.code, 1, 0, 0, 0, labels.len() as u8];
        bytes.extend_from_slice(labels);
        bytes
    }

    #[test]
    fn reads_images_and_labels() {
        let read = Images::read(NAME, &images(2), &labels(&[4, 9])).unwrap();
        assert_eq!(read.labels(), [4, 9]);
        assert_eq!(read.image(1), [1; 784]);
    }

    #[test]
    fn refuses_what_does_not_fit() {
        let error = |images: &[u8], labels: &[u8]| Images::read(NAME, images, labels).unwrap_err();
        let magic = IdxError::Magic {
            values: "u8",
            dimensions: 3,
        };
        assert_eq!(error(&labels(&[1]), &labels(&[1])), magic);
        assert_eq!(error(&[0, 0], &labels(&[1])), magic);
        assert_eq!(
            error(&images(2), &labels(&[4])),
            IdxError::Count {
                images: 2,
                labels: 1
            }
        );
        assert_eq!(
            error(&images(2), &labels(&[4, 10])),
            IdxError::Label {
                label: 10,
                example: 1,
                classes: 10
            }
        );
        let short = &images(2)[..784];
        assert_eq!(
            error(short, &labels(&[1, 2])),
            IdxError::Length {
                found: 784,
                needed: 16 + 2 * 784
            }
        );
        assert_eq!(
            error(&images(1)[..9], &labels(&[1])),
            IdxError::Length {
                found: 9,
                needed: 16
            }
        );
        let mut wide = images(2);
        (wide[11], wide[15]) = (14, 56);
        assert!(matches!(
            error(&wide, &labels(&[1, 2])),
            IdxError::Size {
                width: 56,
                height: 14,
                ..
            }
        ));
    }
}
