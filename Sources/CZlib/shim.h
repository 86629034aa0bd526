// zlib, with what it has as macros, which Swift does not see.
#pragma once
#include <zlib.h>

// inflateInit2(3) for raw deflate (RFC 1951), without a header around it.
static inline int zlib_raw_inflate_init(z_stream *stream) { return inflateInit2(stream, -MAX_WBITS); }

// deflateInit2(3) for the same, with the standard memory and strategy.
static inline int zlib_raw_deflate_init(z_stream *stream, int level) {
    return deflateInit2(stream, level, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
}

// The same for the gzip format (RFC 1952).
static inline int zlib_gzip_deflate_init(z_stream *stream, int level) {
    return deflateInit2(stream, level, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
}
