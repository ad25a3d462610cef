use super::*;
use proptest::prelude::*;

/// Values that f32 adds and multiplies exactly, so that any order must give the same.
fn exact(len: usize) -> impl Strategy<Value = Vec<f32>> {
    prop::collection::vec((-4_i8..4).prop_map(f32::from), len)
}

/// A convolution, inputs of two images, weights with bias, and slopes.
fn cases() -> impl Strategy<Value = (Conv, Vec<f32>, Vec<f32>, Vec<f32>)> {
    let shapes = (
        1_usize..3,
        0_usize..5,
        prop_oneof![Just(12_usize), Just(20)],
    );
    shapes.prop_flat_map(|(channels, filters, side)| {
        let conv = Conv {
            channels,
            // Fours, fives, half a lane and whole ones.
            filters: [4, 5, 9, 10, 16][filters],
            side,
        };
        let packed = exact(conv.weights_len() + conv.filters);
        (
            Just(conv),
            exact(2 * conv.inputs()),
            packed,
            exact(2 * conv.outputs()),
        )
    })
}

/// Calls `pair(pixel, weight, output)` with indices for every product of one image's convolution.
fn each_product(conv: Conv, mut pair: impl FnMut(usize, usize, usize)) {
    let (side, out) = (conv.side, conv.output_side());
    for filter in 0..conv.filters {
        for (y, x) in (0..out * out).map(|place| (place / out, place % out)) {
            for channel in 0..conv.channels {
                for (dy, dx) in (0..SIDE * SIDE).map(|k| (k / SIDE, k % SIDE)) {
                    pair(
                        (channel * side + y + dy) * side + x + dx,
                        ((filter * conv.channels + channel) * SIDE + dy) * SIDE + dx,
                        (filter * out + y) * out + x,
                    );
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_convolution_is_the_naive_one((conv, x, packed, slope) in cases()) {
        let mut work = Work::default();
        work.grow(conv);
        let places = conv.outputs() / conv.filters;
        let mut y = vec![f32::NAN; slope.len()];
        conv.forward(&packed, &x, &mut y, &mut work);
        let mut gradient = vec![f32::NAN; packed.len()];
        let mut below = vec![f32::NAN; x.len()];
        conv.backward(&packed, &x, &slope, &mut gradient, Some(&mut below), &mut work);

        let mut expected_gradient = vec![0.0; packed.len()];
        for image in 0..2 {
            let x = &x[image * conv.inputs()..][..conv.inputs()];
            let slope = &slope[image * conv.outputs()..][..conv.outputs()];
            let bias = &packed[conv.weights_len()..];
            let mut expected: Vec<f32> = (0..conv.outputs()).map(|o| bias[o / places]).collect();
            let mut expected_below = vec![0.0; conv.inputs()];
            each_product(conv, |pixel, weight, output| {
                expected[output] += x[pixel] * packed[weight];
                expected_below[pixel] += slope[output] * packed[weight];
                expected_gradient[weight] += slope[output] * x[pixel];
            });
            for (output, slope) in slope.iter().enumerate() {
                expected_gradient[conv.weights_len() + output / places] += slope;
            }
            prop_assert_eq!(&y[image * conv.outputs()..][..conv.outputs()], &expected);
            prop_assert_eq!(&below[image * conv.inputs()..][..conv.inputs()], &expected_below);
        }
        prop_assert_eq!(gradient, expected_gradient);
    }
}
