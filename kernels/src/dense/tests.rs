use super::*;
use crate::descent::Descent;
use crate::linalg::panels;
use proptest::prelude::*;

/// Values that f32 adds and multiplies exactly, so that any order must give the same.
fn exact(len: usize) -> impl Strategy<Value = Vec<f32>> {
    prop::collection::vec((-4_i8..4).prop_map(f32::from), len)
}

/// A layer, its weights and bias, and inputs and slopes of a batch, all padded.
fn cases() -> impl Strategy<Value = (Dense, [Vec<f32>; 4])> {
    (1_usize..30, 1_usize..30, 1_usize..14).prop_flat_map(|(inputs, outputs, batch)| {
        let padded = [inputs, outputs].map(|len| batch * len.next_multiple_of(LANES));
        (
            Just(Dense { inputs, outputs }),
            [
                exact(inputs * outputs),
                exact(outputs),
                exact(padded[0]),
                exact(padded[1]),
            ],
        )
    })
}

proptest! {
    #[test]
    fn a_layer_is_the_naive_one((dense, [weight, bias, x, slope]) in cases()) {
        let Dense { inputs, outputs } = dense;
        let (stride, padded) = (panels(inputs) * LANES, panels(outputs) * LANES);
        let mut packed = vec![0.0; dense.packed_len()];
        dense.pack(&weight, &bias, &mut packed);
        let mut y = vec![f32::NAN; slope.len()];
        dense.forward(&packed, &x, stride, &mut y);
        let mut below = vec![f32::NAN; x.len()];
        dense.slope_by_input(&packed, &slope, &mut below, stride);
        let mut gradient = vec![f32::NAN; packed.len()];
        let mut target = Target::Gradient(lanes_mut(&mut gradient));
        dense.backward(&x, stride, &slope, &mut target);
        let (mut by_weight, mut by_bias) = (weight.clone(), bias.clone());
        dense.unpack(&gradient, &mut by_weight, &mut by_bias);

        let rows = || x.chunks_exact(stride).zip(slope.chunks_exact(padded));
        for (b, (x, _)) in rows().enumerate() {
            for o in 0..outputs {
                let product: f32 = (0..inputs).map(|i| x[i] * weight[o * inputs + i]).sum();
                prop_assert_eq!(y[b * padded + o], product + bias[o]);
            }
        }
        for o in 0..outputs {
            prop_assert_eq!(by_bias[o], rows().map(|(_, slope)| slope[o]).sum::<f32>());
            for i in 0..inputs {
                let product: f32 = rows().map(|(x, slope)| x[i] * slope[o]).sum();
                prop_assert_eq!(by_weight[o * inputs + i], product);
            }
        }
        for (b, (_, slope)) in rows().enumerate() {
            for i in 0..inputs {
                // Padded weights are zero.
                let product: f32 = (0..outputs).map(|o| slope[o] * weight[o * inputs + i]).sum();
                prop_assert_eq!(below[b * stride + i], product);
            }
        }
    }

    #[test]
    fn a_step_off_the_weights_is_the_gradients((dense, [weight, bias, x, slope]) in cases()) {
        let stride = panels(dense.inputs) * LANES;
        let mut packed = vec![0.0; dense.packed_len()];
        dense.pack(&weight, &bias, &mut packed);
        let mut stepped = packed.clone();
        let mut gradient = vec![f32::NAN; packed.len()];
        let mut target = Target::Gradient(lanes_mut(&mut gradient));
        dense.backward(&x, stride, &slope, &mut target);
        let descent = Descent {
            rate: 0.3,
            momentum: 0.0,
            weight_decay: 0.0,
            proximal: 0.0,
            anchor: &[],
            correction: &[],
        };
        prop_assert!(descent.is_plain());
        descent.step(&mut packed, &mut gradient, &mut []);
        let mut target = Target::Weights(lanes_mut(&mut stepped), 0.3);
        dense.backward(&x, stride, &slope, &mut target);
        prop_assert_eq!(stepped, packed);
    }
}
