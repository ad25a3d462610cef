//! A picture of distances: points in the plane whose distances are as near as can be to given ones, and which stay
//! where they were from picture to picture.
//!
//! Multidimensional scaling by stress majorisation (SMACOF: de Leeuw 1977; Borg and Groenen, "Modern Multidimensional
//! Scaling", chapter 8), from the picture before and from classical scaling (Torgerson 1952), then turned or mirrored
//! to fit the picture before (orthogonal Procrustes).

use crate::distance::Gram;

/// A place in the plane.
pub type Place = [f64; 2];

/// A picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    /// One per point. Their mean is the origin.
    pub places: Vec<Place>,
    /// Kruskal's stress-1: root of the squared errors of all distances over the squared distances.
    pub stress: f64,
}

/// Passes of majorisation; the picture before is a good start, and the last passes move points by less than a pixel.
const PASSES: u32 = 60;
/// Passes of power iteration, for a start only.
const POWER_PASSES: u32 = 40;
/// A fresh picture must be so much better than the one grown from the picture before for points to jump.
const WORTH_JUMPING: f64 = 0.7;

/// Places points, given where some of them were before.
#[must_use]
pub fn arrange(points: &Gram, before: &[Option<Place>]) -> Layout {
    let n = points.len();
    let distances: Vec<f64> = (0..n * n)
        .map(|at| libm::sqrt(points.squared_distance(at / n.max(1), at % n.max(1))))
        .collect();
    let fresh = improve(&distances, classical(points));
    if before.iter().all(Option::is_none) {
        return fresh;
    }
    let grown = improve(&distances, continued(&distances, before));
    let mut best = if fresh.stress < WORTH_JUMPING * grown.stress {
        fresh
    } else {
        grown
    };
    turn_to_fit(&mut best.places, before);
    best
}

/// The two directions in which points differ most. The products are relative to the points' mean already.
fn classical(points: &Gram) -> Vec<Place> {
    let n = points.len();
    let mut axes: Vec<Vec<f64>> = Vec::new();
    for axis in 0..2 {
        // Any start will do that is not at right angles to what is looked for.
        let mut v: Vec<f64> = (0..n)
            .map(|i| libm::sin((i + 1) as f64 * (axis + 1) as f64))
            .collect();
        let mut length = 0.0;
        for _ in 0..POWER_PASSES {
            for other in &axes {
                let squared: f64 = other.iter().map(|o| o * o).sum();
                let along: f64 = v.iter().zip(other).map(|(v, o)| v * o).sum();
                if squared > 0.0 {
                    v.iter_mut()
                        .zip(other)
                        .for_each(|(v, o)| *v -= along / squared * o);
                }
            }
            let next: Vec<f64> = (0..n)
                .map(|i| (0..n).map(|j| points.product(i, j) * v[j]).sum())
                .collect();
            length = libm::sqrt(next.iter().map(|x| x * x).sum());
            if length < 1e-12 {
                break;
            }
            v = next.into_iter().map(|x| x / length).collect();
        }
        let scale = libm::sqrt(length);
        axes.push(v.into_iter().map(|x| x * scale).collect());
    }
    (0..n).map(|i| [axes[0][i], axes[1][i]]).collect()
}

/// The places before; a new point starts at the mean of its three nearest known ones. The picture is scaled to the new
/// distances, which grow and shrink from round to round.
fn continued(distances: &[f64], before: &[Option<Place>]) -> Vec<Place> {
    let n = before.len();
    let known: Vec<(usize, Place)> = before
        .iter()
        .enumerate()
        .filter_map(|(i, p)| p.map(|p| (i, p)))
        .collect();
    let mut places: Vec<Place> = (0..n)
        .map(|i| {
            before[i].unwrap_or_else(|| {
                let mut nearest: Vec<_> = known
                    .iter()
                    .map(|(j, p)| (distances[i * n + j], *p))
                    .collect();
                nearest.sort_by(|(a, _), (b, _)| a.total_cmp(b));
                nearest.truncate(3);
                let count = nearest.len() as f64;
                // A little aside, each new point another way, so that two of them can be told apart.
                let (sin, cos) = libm::sincos(i as f64);
                let sum = |axis: usize| nearest.iter().map(|(_, p)| p[axis]).sum::<f64>() / count;
                [sum(0) + 1e-3 * cos, sum(1) + 1e-3 * sin]
            })
        })
        .collect();
    let (mut drawn, mut real) = (0.0, 0.0);
    for i in 0..n {
        for j in 0..i {
            drawn += apart(places[i], places[j]);
            real += distances[i * n + j];
        }
    }
    if drawn > 0.0 && real > 0.0 {
        for p in &mut places {
            *p = [p[0] * real / drawn, p[1] * real / drawn];
        }
    }
    places
}

fn apart(a: Place, b: Place) -> f64 {
    libm::hypot(a[0] - b[0], a[1] - b[1])
}

/// Guttman transforms: each makes the stress smaller, never larger.
fn improve(distances: &[f64], mut places: Vec<Place>) -> Layout {
    let n = places.len();
    for _ in 0..PASSES {
        let next = (0..n).map(|i| {
            let mut sum = [0.0; 2];
            for j in (0..n).filter(|&j| j != i) {
                let drawn = apart(places[i], places[j]);
                let ratio = if drawn > 1e-12 {
                    distances[i * n + j] / drawn
                } else {
                    0.0
                };
                for (axis, sum) in sum.iter_mut().enumerate() {
                    *sum += ratio * (places[i][axis] - places[j][axis]);
                }
            }
            sum.map(|s| s / n as f64)
        });
        places = next.collect();
    }
    let (mut error, mut total) = (0.0, 0.0);
    for i in 0..n {
        for j in 0..i {
            let real = distances[i * n + j];
            error += (real - apart(places[i], places[j])) * (real - apart(places[i], places[j]));
            total += real * real;
        }
    }
    center(&mut places);
    Layout {
        places,
        stress: if total > 0.0 {
            libm::sqrt(error / total)
        } else {
            0.0
        },
    }
}

fn center(places: &mut [Place]) {
    let count = places.len().max(1) as f64;
    for axis in 0..2 {
        let mean = places.iter().map(|p| p[axis]).sum::<f64>() / count;
        for p in places.iter_mut() {
            p[axis] -= mean;
        }
    }
}

/// Turns, and mirrors if that is better, so that the points known before come as near as can be to where they were.
fn turn_to_fit(places: &mut [Place], before: &[Option<Place>]) {
    let pairs: Vec<(Place, Place)> = places
        .iter()
        .zip(before)
        .filter_map(|(p, b)| b.map(|b| (*p, b)))
        .collect();
    // With points as complex numbers, the best turn is the direction of the sum of before times the conjugate of now;
    // mirrored, of before times now.
    let fit = |mirror: f64| {
        pairs.iter().fold([0.0, 0.0], |sum, ([x, y], [bx, by])| {
            [
                sum[0] + bx * x + by * y * mirror,
                sum[1] + by * x - bx * y * mirror,
            ]
        })
    };
    let (straight, mirrored) = (fit(1.0), fit(-1.0));
    let length = |v: Place| libm::hypot(v[0], v[1]);
    let (mirror, turn) = if length(mirrored) > length(straight) {
        (-1.0, mirrored)
    } else {
        (1.0, straight)
    };
    if length(turn) > 0.0 {
        let (cos, sin) = (turn[0] / length(turn), turn[1] / length(turn));
        for p in places {
            let [x, y] = [p[0], p[1] * mirror];
            *p = [cos * x - sin * y, sin * x + cos * y];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gram(points: &[Vec<f32>]) -> Gram {
        Gram::of(points)
    }

    #[test]
    fn a_plane_is_drawn_as_it_is() {
        let points = [
            vec![0.0, 0.0, 1.0],
            vec![3.0, 0.0, 1.0],
            vec![0.0, 4.0, 1.0],
            vec![5.0, 7.0, 1.0],
        ];
        let gram = gram(&points);
        let layout = arrange(&gram, &[None; 4]);
        assert!(layout.stress < 1e-6, "{}", layout.stress);
        for i in 0..4 {
            for j in 0..4 {
                let real = gram.squared_distance(i, j).sqrt();
                assert!((apart(layout.places[i], layout.places[j]) - real).abs() < 1e-4);
            }
        }
    }

    #[test]
    fn more_dimensions_cost_stress() {
        let corners: Vec<Vec<f32>> = (0..4)
            .map(|i| (0..4).map(|d| if d == i { 1.0 } else { 0.0 }).collect())
            .collect();
        let stress = arrange(&gram(&corners), &[None; 4]).stress;
        assert!((0.1..0.5).contains(&stress), "{stress}");
    }

    #[test]
    fn points_stay_where_they_were() {
        let points = [
            vec![0.0, 0.0],
            vec![3.0, 0.0],
            vec![0.0, 4.0],
            vec![5.0, 7.0],
        ];
        // The picture before was turned by a quarter and mirrored.
        let mut before = points.clone().map(|p| [f64::from(p[1]), f64::from(p[0])]);
        center(&mut before);
        let layout = arrange(&gram(&points), &before.map(Some));
        for (now, before) in layout.places.iter().zip(before) {
            assert!(apart(*now, before) < 1e-3, "{now:?} {before:?}");
        }
    }

    #[test]
    fn a_newcomer_does_not_move_the_others() {
        let points = [
            vec![0.0, 0.0],
            vec![3.0, 0.0],
            vec![0.0, 4.0],
            vec![5.0, 7.0],
            vec![1.0, 1.0],
        ];
        let before = [
            Some([-2.0, -2.75]),
            Some([1.0, -2.75]),
            Some([-2.0, 1.25]),
            Some([3.0, 4.25]),
            None,
        ];
        let layout = arrange(&gram(&points), &before);
        assert!(layout.stress < 0.01, "{}", layout.stress);
        for (now, before) in layout
            .places
            .iter()
            .zip(before)
            .filter_map(|(n, b)| b.map(|b| (n, b)))
        {
            assert!(apart(*now, before) < 0.8, "{now:?} {before:?}");
        }
    }

    #[test]
    fn few_points_are_no_trouble() {
        assert_eq!(arrange(&gram(&[]), &[]).places.len(), 0);
        assert_eq!(
            arrange(&gram(&[vec![1.0, 2.0]]), &[None]).places,
            [[0.0, 0.0]]
        );
        let two = arrange(&gram(&[vec![0.0], vec![2.0]]), &[None; 2]);
        assert!((apart(two.places[0], two.places[1]) - 2.0).abs() < 1e-6);
        let same = arrange(&gram(&[vec![1.0], vec![1.0]]), &[None; 2]);
        assert!(same.places.iter().flatten().all(|x| x.is_finite()));
    }
}
