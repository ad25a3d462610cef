//! One or two parameters varied, everything else as it was.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::experiment::with_value;
use crate::report::SweepPoint;
use crate::run::{self, Options};

/// An experiment file and what to vary in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sweep {
    text: String,
    /// Place in the file, and values.
    parameters: Vec<(String, Vec<String>)>,
}

impl Sweep {
    /// A sweep over one or two parameters, each given as `PATH=A,B,C`.
    ///
    /// # Errors
    /// A parameter is not of that form, or a value does not fit.
    pub fn new(text: &str, vary: &[String]) -> Result<Self> {
        if vary.len() > 2 {
            bail!("one or two parameters can be varied, not {}", vary.len());
        }
        let mut parameters = Vec::new();
        for vary in vary {
            let Some((path, values)) = vary.split_once('=') else {
                bail!("{vary:?} must be of the form PATH=A,B,C");
            };
            let values: Vec<String> = values.split(',').map(str::to_owned).collect();
            for value in &values {
                with_value(text, path, value)?;
            }
            parameters.push((path.to_owned(), values));
        }
        Ok(Self {
            text: text.to_owned(),
            parameters,
        })
    }

    /// Runs every point in a folder of its own below `out`.
    ///
    /// # Errors
    /// A run fails.
    pub fn run(&self, out: &Path, options: impl Fn(PathBuf) -> Options) -> Result<Vec<SweepPoint>> {
        let mut points = Vec::new();
        for values in self.points() {
            let mut text = self.text.clone();
            for ((path, _), value) in self.parameters.iter().zip(&values) {
                text = with_value(&text, path, value)?;
            }
            let folder = out.join(values.join("-").replace(['/', '"', ' '], "_"));
            println!("{} = {}", self.names().join(", "), values.join(", "));
            let (summary, _) = run::run(&text, &options(folder))?;
            points.push(SweepPoint { values, summary });
        }
        Ok(points)
    }

    /// The parameters, by their place in the file.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.parameters
            .iter()
            .map(|(path, _)| path.clone())
            .collect()
    }

    /// All combinations of values, the last parameter fastest.
    fn points(&self) -> Vec<Vec<String>> {
        self.parameters
            .iter()
            .fold(vec![Vec::new()], |points, (_, values)| {
                let longer = |point: &Vec<String>| {
                    let add =
                        |value: &String| [point.as_slice(), core::slice::from_ref(value)].concat();
                    values.iter().map(add).collect::<Vec<_>>()
                };
                points.iter().flat_map(longer).collect()
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_parameters_make_a_grid() {
        let text = "name = \"x\"\n";
        let vary = ["run.training.epochs=1,2", "run.training.batch=10,20,30"].map(str::to_owned);
        let points = Sweep::new(text, &vary).unwrap().points();
        assert_eq!(points.len(), 6);
        assert_eq!(points[1], ["1", "20"]);
        assert_eq!(points[5], ["2", "30"]);
        for wrong in [
            "run.training.epochs",
            "run.training.epochs=0",
            "run.nothing=1",
        ] {
            assert!(Sweep::new(text, &[wrong.to_owned()]).is_err(), "{wrong}");
        }
    }
}
