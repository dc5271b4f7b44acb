// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package feature

import (
	"bytes"
	"errors"
	"math"
	"testing"
)

func TestPartsOfASketchMakeTheWhole(t *testing.T) {
	for _, kind := range []SketchKind{SketchDistinct, SketchQuantiles} {
		var made [3]*Sketch
		for i := range made {
			s, err := NewSketch(SketchOptions{Kind: kind, Precision: 14})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			made[i] = s
		}
		for i := int64(0); i < 3000; i++ {
			for _, s := range []*Sketch{made[0], made[1+i/2000]} {
				if err := AddTo(s, TypeInt64, []int64{i, 9}, []bool{true, false}); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := made[1].Merge(made[2]); err != nil {
			t.Fatal(err)
		}
		whole, _ := made[0].Bytes(SketchNative)
		parts, _ := made[1].Bytes(SketchNative)
		if len(whole) == 0 || !bytes.Equal(whole, parts) {
			t.Fatal("parts differ from the whole")
		}
		back, err := SketchFromBytes(SketchNative, parts)
		if err != nil {
			t.Fatal(err)
		}
		count, err := back.Estimate()
		if err != nil || math.Abs(float64(count)-3000) > 150 {
			t.Fatalf("%d values, %v", count, err)
		}
		back.Close()
		if _, err := back.Estimate(); !errors.Is(err, ErrClosed) {
			t.Fatal(err)
		}
	}
}

func TestQuantilesAreWithinTheError(t *testing.T) {
	s, err := NewSketch(SketchOptions{Kind: SketchQuantiles})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Quantile(0.5); !errors.Is(err, ErrNotFound) {
		t.Fatal(err)
	}
	if err := AddTo(s, TypeFloat64, []float64{1, 2, 3, 4, 5}, nil); err != nil {
		t.Fatal(err)
	}
	if x, err := s.Quantile(0.5); err != nil || math.Abs(x-3) > 0.03 {
		t.Fatal(x, err)
	}
	if err := AddTo(s, TypeString, []string{"a"}, nil); !errors.Is(err, ErrInvalid) {
		t.Fatal(err)
	}
	if _, err := s.Bytes(SketchHyll); !errors.Is(err, ErrInvalid) {
		t.Fatal(err)
	}
	if _, err := SketchFromBytes(SketchHyll, []byte("HYLL")); !errors.Is(err, ErrCorrupt) {
		t.Fatal(err)
	}
}
