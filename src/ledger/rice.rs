//! Rice codes: ascending numbers as their differences, in little more bits than their entropy.

/// Appends the differences of ascending `numbers`, the first one as it is. Returns the parameter.
pub(super) fn encode(numbers: &[u64], out: &mut Vec<u8>) -> u8 {
    let span = match numbers {
        [first, .., last] => last - first,
        _ => 0,
    };
    let mean = span / (numbers.len().max(2) as u64 - 1);
    let parameter = mean.max(1).ilog2() as u8;
    let mut bits = BitWriter {
        out,
        current: 0,
        used: 0,
    };
    let mut last = None;
    for number in numbers {
        match last {
            None => bits.push(*number, 64),
            Some(last) => {
                let difference = number - last;
                for _ in 0..difference >> parameter {
                    bits.push(1, 1);
                }
                bits.push(0, 1);
                bits.push(difference & low_bits(parameter), parameter);
            }
        }
        last = Some(*number);
    }
    bits.finish();
    parameter
}

/// Reads `count` numbers. None where there are fewer bits, or a number is too large.
pub(super) fn decode(
    input: &mut &[u8],
    count: usize,
    parameter: u8,
    mut each: impl FnMut(u64),
) -> Option<()> {
    if parameter >= 64 {
        return None;
    }
    let mut bits = BitReader {
        input,
        current: 0,
        left: 0,
    };
    let mut last: Option<u64> = None;
    for _ in 0..count {
        let number = match last {
            None => bits.pull(64)?,
            Some(last) => {
                let mut quotient: u64 = 0;
                while bits.pull(1)? == 1 {
                    quotient += 1;
                }
                let high = quotient.checked_mul(1 << parameter)?;
                last.checked_add(high | bits.pull(parameter)?)?
            }
        };
        each(number);
        last = Some(number);
    }
    *input = bits.input;
    Some(())
}

fn low_bits(count: u8) -> u64 {
    1_u64
        .checked_shl(count.into())
        .map_or(u64::MAX, |bit| bit - 1)
}

struct BitWriter<'o> {
    out: &'o mut Vec<u8>,
    current: u128,
    used: u32,
}

impl BitWriter<'_> {
    fn push(&mut self, value: u64, count: u8) {
        self.current |= u128::from(value) << self.used;
        self.used += u32::from(count);
        while self.used >= 8 {
            self.out.push(self.current as u8);
            self.current >>= 8;
            self.used -= 8;
        }
    }

    fn finish(self) {
        if self.used > 0 {
            self.out.push(self.current as u8);
        }
    }
}

struct BitReader<'i> {
    input: &'i [u8],
    current: u128,
    left: u32,
}

impl BitReader<'_> {
    fn pull(&mut self, count: u8) -> Option<u64> {
        while self.left < u32::from(count) {
            let (byte, rest) = self.input.split_first()?;
            self.current |= u128::from(*byte) << self.left;
            self.left += 8;
            self.input = rest;
        }
        let value = self.current as u64 & low_bits(count);
        self.current >>= count;
        self.left -= u32::from(count);
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ascending_numbers_come_back(mut numbers in proptest::collection::vec(0..1_u64 << 60, 0..300)) {
            numbers.sort_unstable();
            let mut bytes = Vec::new();
            let parameter = encode(&numbers, &mut bytes);
            bytes.extend_from_slice(b"more");
            let (mut input, mut read) = (&bytes[..], Vec::new());
            decode(&mut input, numbers.len(), parameter, |number| read.push(number)).unwrap();
            prop_assert_eq!(read, numbers);
            prop_assert_eq!(input, b"more");
        }
    }
}
