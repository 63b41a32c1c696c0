//! What a directory defines.
