//! Values in registers.

/// Values that are added and multiplied side by side.
pub(crate) trait Vector: Copy {
    /// The same in memory.
    type Values: 'static;

    fn of(values: &Self::Values) -> Self;
    fn splat(value: f32) -> Self;
    fn values(self) -> Self::Values;
    fn plus(self, other: Self) -> Self;
    /// `self + x * w`, rounded twice.
    fn plus_product(self, x: Self, w: Self) -> Self;

    #[inline(always)]
    fn plus_scaled(self, x: f32, w: Self) -> Self {
        self.plus_product(Self::splat(x), w)
    }
}

pub(crate) use registers::{Half, Wide};

/// Arrays, of which the compiler makes vectors as wide as the machine's.
#[cfg(not(target_arch = "wasm32"))]
mod registers {
    use super::Vector;

    /// Four values.
    #[derive(Clone, Copy)]
    pub(crate) struct Half([f32; 4]);

    impl Half {
        /// Rows as columns.
        #[inline(always)]
        pub(crate) fn turned(rows: [Self; 4]) -> [Self; 4] {
            core::array::from_fn(|i| Self(core::array::from_fn(|j| rows[j].0[i])))
        }

        /// Of eight values the first, third and so on, and the others.
        #[inline(always)]
        pub(crate) fn even_odd(Self([a, b, c, d]): Self, Self([e, f, g, h]): Self) -> [Self; 2] {
            [Self([a, c, e, g]), Self([b, d, f, h])]
        }

        /// What [`Self::even_odd`] is of.
        #[inline(always)]
        pub(crate) fn woven(Self([a, c, e, g]): Self, Self([b, d, f, h]): Self) -> [Self; 2] {
            [Self([a, b, c, d]), Self([e, f, g, h])]
        }

        /// The larger ones; of equal ones the first.
        #[inline(always)]
        pub(crate) fn larger(self, other: Self) -> Self {
            let larger = |l: usize| {
                if self.0[l] < other.0[l] {
                    other.0[l]
                } else {
                    self.0[l]
                }
            };
            Self(core::array::from_fn(larger))
        }

        /// All bits set where the first is larger, else none.
        #[inline(always)]
        pub(crate) fn above(self, other: Self) -> Self {
            let mask = |l: usize| u32::from(self.0[l] > other.0[l]).wrapping_neg();
            Self(core::array::from_fn(|l| f32::from_bits(mask(l))))
        }

        /// The bits that both have.
        #[inline(always)]
        pub(crate) fn and(self, other: Self) -> Self {
            let bits = |l: usize| self.0[l].to_bits() & other.0[l].to_bits();
            Self(core::array::from_fn(|l| f32::from_bits(bits(l))))
        }

        /// The bits that the other one has not.
        #[inline(always)]
        pub(crate) fn and_not(self, other: Self) -> Self {
            let bits = |l: usize| self.0[l].to_bits() & !other.0[l].to_bits();
            Self(core::array::from_fn(|l| f32::from_bits(bits(l))))
        }
    }

    impl Vector for Half {
        type Values = [f32; 4];

        #[inline(always)]
        fn of(values: &[f32; 4]) -> Self {
            Self(*values)
        }

        #[inline(always)]
        fn splat(value: f32) -> Self {
            Self([value; 4])
        }

        #[inline(always)]
        fn values(self) -> [f32; 4] {
            self.0
        }

        #[inline(always)]
        fn plus(self, other: Self) -> Self {
            Self(core::array::from_fn(|l| self.0[l] + other.0[l]))
        }

        #[inline(always)]
        fn plus_product(self, x: Self, w: Self) -> Self {
            Self(core::array::from_fn(|l| self.0[l] + x.0[l] * w.0[l]))
        }
    }

    /// Eight values.
    #[derive(Clone, Copy)]
    pub(crate) struct Wide([f32; 8]);

    impl Vector for Wide {
        type Values = [f32; 8];

        #[inline(always)]
        fn of(values: &[f32; 8]) -> Self {
            Self(*values)
        }

        #[inline(always)]
        fn splat(value: f32) -> Self {
            Self([value; 8])
        }

        #[inline(always)]
        fn values(self) -> [f32; 8] {
            self.0
        }

        #[inline(always)]
        fn plus(self, other: Self) -> Self {
            Self(core::array::from_fn(|l| self.0[l] + other.0[l]))
        }

        #[inline(always)]
        fn plus_product(self, x: Self, w: Self) -> Self {
            Self(core::array::from_fn(|l| self.0[l] + x.0[l] * w.0[l]))
        }
    }
}

/// Registers by name: of arrays the compiler would make vectors as well, but in an order that needs more registers than
/// there are.
#[cfg(target_arch = "wasm32")]
mod registers {
    use core::arch::wasm32::{
        f32x4_add, f32x4_gt, f32x4_mul, f32x4_pmax, f32x4_splat, i32x4_shuffle, i64x2_shuffle,
        v128, v128_and, v128_andnot,
    };

    use super::Vector;

    /// Four values.
    #[derive(Clone, Copy)]
    pub(crate) struct Half(v128);

    impl Half {
        /// Rows as columns.
        #[inline(always)]
        pub(crate) fn turned([a, b, c, d]: [Self; 4]) -> [Self; 4] {
            let low = |a: Self, b: Self| i32x4_shuffle::<0, 4, 1, 5>(a.0, b.0);
            let high = |a: Self, b: Self| i32x4_shuffle::<2, 6, 3, 7>(a.0, b.0);
            let first = |ab, cd| Self(i64x2_shuffle::<0, 2>(ab, cd));
            let second = |ab, cd| Self(i64x2_shuffle::<1, 3>(ab, cd));
            let (low, high) = ((low(a, b), low(c, d)), (high(a, b), high(c, d)));
            [
                first(low.0, low.1),
                second(low.0, low.1),
                first(high.0, high.1),
                second(high.0, high.1),
            ]
        }

        #[inline(always)]
        pub(crate) fn even_odd(a: Self, b: Self) -> [Self; 2] {
            [
                Self(i32x4_shuffle::<0, 2, 4, 6>(a.0, b.0)),
                Self(i32x4_shuffle::<1, 3, 5, 7>(a.0, b.0)),
            ]
        }

        #[inline(always)]
        pub(crate) fn woven(a: Self, b: Self) -> [Self; 2] {
            [
                Self(i32x4_shuffle::<0, 4, 1, 5>(a.0, b.0)),
                Self(i32x4_shuffle::<2, 6, 3, 7>(a.0, b.0)),
            ]
        }

        #[inline(always)]
        pub(crate) fn larger(self, other: Self) -> Self {
            Self(f32x4_pmax(self.0, other.0))
        }

        #[inline(always)]
        pub(crate) fn above(self, other: Self) -> Self {
            Self(f32x4_gt(self.0, other.0))
        }

        #[inline(always)]
        pub(crate) fn and(self, other: Self) -> Self {
            Self(v128_and(self.0, other.0))
        }

        #[inline(always)]
        pub(crate) fn and_not(self, other: Self) -> Self {
            Self(v128_andnot(self.0, other.0))
        }
    }

    impl Vector for Half {
        type Values = [f32; 4];

        #[inline(always)]
        fn of(values: &[f32; 4]) -> Self {
            Self(bytemuck::must_cast(*values))
        }

        #[inline(always)]
        fn splat(value: f32) -> Self {
            Self(f32x4_splat(value))
        }

        #[inline(always)]
        fn values(self) -> [f32; 4] {
            bytemuck::must_cast(self.0)
        }

        #[inline(always)]
        fn plus(self, other: Self) -> Self {
            Self(f32x4_add(self.0, other.0))
        }

        #[inline(always)]
        fn plus_product(self, x: Self, w: Self) -> Self {
            Self(f32x4_add(self.0, f32x4_mul(x.0, w.0)))
        }
    }

    /// Eight values.
    #[derive(Clone, Copy)]
    pub(crate) struct Wide([Half; 2]);

    impl Vector for Wide {
        type Values = [f32; 8];

        #[inline(always)]
        fn of(&[a, b, c, d, e, f, g, h]: &[f32; 8]) -> Self {
            Self([Half::of(&[a, b, c, d]), Half::of(&[e, f, g, h])])
        }

        #[inline(always)]
        fn splat(value: f32) -> Self {
            Self([Half::splat(value); 2])
        }

        #[inline(always)]
        fn values(self) -> [f32; 8] {
            let [[a, b, c, d], [e, f, g, h]] = self.0.map(Half::values);
            [a, b, c, d, e, f, g, h]
        }

        #[inline(always)]
        fn plus(self, other: Self) -> Self {
            let ([a, b], [c, d]) = (self.0, other.0);
            Self([a.plus(c), b.plus(d)])
        }

        #[inline(always)]
        fn plus_product(self, x: Self, w: Self) -> Self {
            let ([a, b], [s, t], [v, w]) = (self.0, x.0, w.0);
            Self([a.plus_product(s, v), b.plus_product(t, w)])
        }
    }
}
