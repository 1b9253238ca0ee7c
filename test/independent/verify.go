// Verifies a log with Go's own implementation of signed notes and transparency logs (golang.org/x/mod/sumdb), which
// shares no line with ours: go run verify.go <folder> <key> <witness key>. The folder holds checkpoint, earlier (a
// checkpoint of before), the hash tiles as tile/... and proofs as proof-*.json.
package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "FAILED:", err)
		os.Exit(1)
	}
}

func open(text []byte, key string) (int64, tlog.Hash) {
	verifier, err := note.NewVerifier(key)
	check(err)
	opened, err := note.Open(text, note.VerifierList(verifier))
	check(err)
	lines := strings.Split(opened.Text, "\n")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	check(err)
	root, err := base64.StdEncoding.DecodeString(lines[2])
	check(err)
	var hash tlog.Hash
	copy(hash[:], root)
	return size, hash
}

// cosigner verifies cosignatures (C2SP tlog-cosignature, cosignature/v1), which x/mod has no verifier for.
type cosigner struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

func (c cosigner) Name() string    { return c.name }
func (c cosigner) KeyHash() uint32 { return c.hash }
func (c cosigner) Verify(msg, sig []byte) bool {
	if len(sig) != 72 {
		return false
	}
	time := binary.BigEndian.Uint64(sig)
	return ed25519.Verify(c.key, []byte(fmt.Sprintf("cosignature/v1\ntime %d\n%s", time, msg)), sig[8:])
}

func newCosigner(text string) cosigner {
	parts := strings.SplitN(text, "+", 3)
	raw, err := base64.StdEncoding.DecodeString(parts[2])
	check(err)
	if len(raw) != 33 || raw[0] != 4 {
		check(fmt.Errorf("not a cosigner's key"))
	}
	sum := sha256.Sum256(append([]byte(parts[0]+"\n"), raw...))
	hash := binary.BigEndian.Uint32(sum[:])
	if fmt.Sprintf("%08x", hash) != parts[1] {
		check(fmt.Errorf("the key does not match its id"))
	}
	return cosigner{parts[0], hash, raw[1:]}
}

// reader serves tiles from files; tlog.TileHashReader checks each of them against the signed root.
type reader struct{ folder string }

func (r reader) Height() int { return 8 }
func (r reader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		// Go writes tile/8/<level>/...; C2SP leaves the height out.
		data, err := os.ReadFile(filepath.Join(r.folder, strings.Replace(tile.Path(), "tile/8/", "tile/", 1)))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}
func (r reader) SaveTiles([]tlog.Tile, [][]byte) {}

func main() {
	folder, key := os.Args[1], os.Args[2]
	text, err := os.ReadFile(filepath.Join(folder, "checkpoint"))
	check(err)
	size, root := open(text, key)
	fmt.Println("checkpoint verified at size", size)
	_, err = note.Open(text, note.VerifierList(newCosigner(os.Args[3])))
	check(err)
	fmt.Println("cosignature verified")

	hashes := tlog.TileHashReader(tlog.Tree{N: size, Hash: root}, reader{folder})
	text, err = os.ReadFile(filepath.Join(folder, "earlier"))
	check(err)
	before, rootBefore := open(text, key)
	proof, err := tlog.ProveTree(size, before, hashes)
	check(err)
	check(tlog.CheckTree(proof, size, root, before, rootBefore))
	fmt.Println("consistency verified from size", before)

	files, err := filepath.Glob(filepath.Join(folder, "proof-*.json"))
	check(err)
	for _, file := range files {
		text, err := os.ReadFile(file)
		check(err)
		var bundle struct {
			Index      int64
			Entry      string
			Inclusion  []string
			Checkpoint string
		}
		check(json.Unmarshal(text, &bundle))
		entry, err := base64.StdEncoding.DecodeString(bundle.Entry)
		check(err)
		var path tlog.RecordProof
		for _, one := range bundle.Inclusion {
			raw, err := base64.StdEncoding.DecodeString(one)
			check(err)
			var hash tlog.Hash
			copy(hash[:], raw)
			path = append(path, hash)
		}
		at, rootAt := open([]byte(bundle.Checkpoint), key)
		check(tlog.CheckRecord(path, at, rootAt, bundle.Index, tlog.RecordHash(entry)))
	}
	fmt.Println("inclusion verified of", len(files), "records")
}
