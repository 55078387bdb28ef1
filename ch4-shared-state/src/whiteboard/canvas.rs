//! The drawing: a matrix of coarse pixels. Notes, chapter 4: *shared state* ("the whole drawable area is the state, all the
//! pixel values contribute to it").
//!
//! ```text
//!   cell   0   1   2  …  63        colour  0      blank
//!         64  65  66  … 127                1 … 15 the palette of the page
//! ```

use std::ops::{Index, IndexMut};

use serde::{Deserialize, Serialize};

/// Pixels in a row.
pub const WIDTH: usize = 64;
/// Rows.
pub const HEIGHT: usize = 48;
/// Pixels in all.
pub const CELLS: usize = WIDTH * HEIGHT;
/// Colours, the blank one counted.
pub const COLOURS: u8 = 16;

/// A pixel's place, row by row from the top left: 0 … [`CELLS`] − 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct Cell(u16);

/// A place in the palette: 0 (blank) … [`COLOURS`] − 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Colour(u8);

/// It is not on the canvas, or not in the palette.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not on the canvas or not in the palette")]
pub struct OutOfRange(u16);

impl TryFrom<u16> for Cell {
    type Error = OutOfRange;

    fn try_from(place: u16) -> Result<Cell, OutOfRange> {
        if usize::from(place) < CELLS { Ok(Cell(place)) } else { Err(OutOfRange(place)) }
    }
}

impl TryFrom<u8> for Colour {
    type Error = OutOfRange;

    fn try_from(colour: u8) -> Result<Colour, OutOfRange> {
        if colour < COLOURS { Ok(Colour(colour)) } else { Err(OutOfRange(colour.into())) }
    }
}

impl From<Cell> for u16 {
    fn from(cell: Cell) -> u16 {
        cell.0
    }
}

impl From<Colour> for u8 {
    fn from(colour: Colour) -> u8 {
        colour.0
    }
}

/// Something for every pixel. A [`Cell`] is always on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canvas<T>(Box<[T]>);

impl<T: Clone + Default> Default for Canvas<T> {
    fn default() -> Self {
        Canvas(vec![T::default(); CELLS].into_boxed_slice())
    }
}

impl<T> Canvas<T> {
    /// Every pixel, row by row.
    pub fn iter(&self) -> impl Iterator<Item = (Cell, &T)> {
        (0..).map(Cell).zip(&self.0)
    }
}

impl<T> Index<Cell> for Canvas<T> {
    type Output = T;

    fn index(&self, cell: Cell) -> &T {
        &self.0[usize::from(cell.0)]
    }
}

impl<T> IndexMut<Cell> for Canvas<T> {
    fn index_mut(&mut self, cell: Cell) -> &mut T {
        &mut self.0[usize::from(cell.0)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_has_a_pixel_and_no_other_number_is_a_cell() {
        let mut canvas = Canvas::<u8>::default();
        let last = Cell::try_from(CELLS as u16 - 1).unwrap();
        canvas[last] = 7;
        assert_eq!(canvas.iter().filter(|(cell, value)| *cell == last && **value == 7).count(), 1);
        assert_eq!(canvas.iter().count(), CELLS);
        assert_eq!(Cell::try_from(CELLS as u16), Err(OutOfRange(CELLS as u16)));
        assert!(Colour::try_from(COLOURS).is_err());
    }
}
