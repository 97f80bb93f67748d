//! The bodies of the fuzz targets, as functions that tests run too. They panic where an invariant does not hold.
