// Archives (PKWARE APPNOTE 6.3.10), made and read in the browser.

const TABLE = new Uint32Array(256).map((_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

/** @param {Uint8Array} bytes */
function crc32(bytes) {
  let sum = 0xffffffff;
  for (const byte of bytes) sum = TABLE[(sum ^ byte) & 255] ^ (sum >>> 8);
  return (sum ^ 0xffffffff) >>> 0;
}

/** @param {Uint8Array} bytes @param {CompressionStream | DecompressionStream} stream */
async function through(bytes, stream) {
  return new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer());
}

/** @param {Uint8Array} bytes */
async function deflated(bytes) {
  if (bytes.length < 64) return null;
  const made = await through(bytes, new CompressionStream("deflate-raw"));
  return made.length < bytes.length ? made : null;
}

/**
 * @param {{path: string, content: Uint8Array}[]} files
 * @returns {Promise<Blob>}
 */
export async function zip(files) {
  /** @type {Uint8Array[]} */
  const local = [];
  /** @type {Uint8Array[]} */
  const central = [];
  let offset = 0;
  let centralSize = 0;
  for (const file of files) {
    const name = new TextEncoder().encode(file.path);
    const compressed = await deflated(file.content);
    const data = compressed ?? file.content;
    // What both headers say: version, UTF-8 names, method, 1980-01-01, sum, sizes.
    const common = new DataView(new ArrayBuffer(26));
    common.setUint16(0, 20, true);
    common.setUint16(2, 0x0800, true);
    common.setUint16(4, compressed ? 8 : 0, true);
    common.setUint16(8, 0x0021, true);
    common.setUint32(10, crc32(file.content), true);
    common.setUint32(14, data.length, true);
    common.setUint32(18, file.content.length, true);
    common.setUint16(22, name.length, true);
    const shared = new Uint8Array(common.buffer);
    local.push(new Uint8Array([0x50, 0x4b, 3, 4]), shared, name, data);
    const tail = new DataView(new ArrayBuffer(14));
    // A plain file, which everybody may read.
    tail.setUint32(6, (0o100644 << 16) >>> 0, true);
    tail.setUint32(10, offset, true);
    central.push(new Uint8Array([0x50, 0x4b, 1, 2, 20, 3]), shared, new Uint8Array(tail.buffer), name);
    offset += 30 + name.length + data.length;
    centralSize += 46 + name.length;
  }
  const end = new DataView(new ArrayBuffer(22));
  end.setUint32(0, 0x06054b50, true);
  end.setUint16(8, files.length, true);
  end.setUint16(10, files.length, true);
  end.setUint32(12, centralSize, true);
  end.setUint32(16, offset, true);
  return new Blob([...local, ...central, new Uint8Array(end.buffer)], { type: "application/zip" });
}

/**
 * @param {Blob} archive
 * @returns {Promise<{path: string, content: Uint8Array}[]>}
 */
export async function unzip(archive) {
  const bytes = new Uint8Array(await archive.arrayBuffer());
  const view = new DataView(bytes.buffer);
  let end = bytes.length - 22;
  while (end >= 0 && view.getUint32(end, true) !== 0x06054b50) end--;
  if (end < 0) throw new Error("This is no zip archive.");
  const files = [];
  let at = view.getUint32(end + 16, true);
  for (let left = view.getUint16(end + 10, true); left > 0; left--) {
    const [method, size] = [view.getUint16(at + 10, true), view.getUint32(at + 20, true)];
    const [nameLength, extra, comment] = [28, 30, 32].map((place) => view.getUint16(at + place, true));
    const header = view.getUint32(at + 42, true);
    const path = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameLength));
    const start = header + 30 + view.getUint16(header + 26, true) + view.getUint16(header + 28, true);
    const data = bytes.subarray(start, start + size);
    if (!path.endsWith("/")) {
      const content = method === 8
        ? await through(data, new DecompressionStream("deflate-raw")) : data;
      files.push({ path, content });
    }
    at += 46 + nameLength + extra + comment;
  }
  return files;
}
