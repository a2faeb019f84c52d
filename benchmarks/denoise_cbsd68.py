"""Color denoising on CBSD68: additive white Gaussian noise, the level not told to the network.

    python benchmarks/denoise_cbsd68.py --folder DIR --sigma 15 25 50 --model restore-faithful

Protocol of the denoising tables (FFDNet, arXiv:1710.04026, reports 31.21 dB at 25): the 68 pictures
whole, noise on all three channels on the 8-bit scale, neither rounded nor clipped unless `--clipped`;
one seed a picture; PSNR over RGB of the result clipped to 0..255 and rounded; mean over the pictures.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from networks import PRECISIONS, Ready, as_saved, load_restorer, run_restorer
from pictures import choose, load, planes
from vasari.tasks.metrics import peak_signal_noise_ratio, structural_similarity


def noisy(clean: Tensor, sigma: float, seed: int, clipped: bool) -> Tensor:
    """clean [3, rows, columns], 0..1, plus Gaussian noise of `sigma` on the 8-bit scale."""
    noise = np.random.default_rng(seed).normal(0, sigma / 255, tuple(clean.shape)).astype(np.float32)
    result = clean + torch.from_numpy(noise)
    return result.clamp(0, 1) if clipped else result


def measured(network: Ready, paths: list[Path], sigma: float, options: argparse.Namespace) -> dict[str, float]:
    """Mean scores over the pictures at one noise level."""
    values = []
    for index, path in enumerate(paths):
        clean = planes(load(path))
        bad = noisy(clean, sigma, options.seed + index, options.clipped)
        good = as_saved(
            run_restorer(network, bad, PRECISIONS[options.precision], options.keep_tone, options.self_ensemble).picture
        )
        before = float(peak_signal_noise_ratio(bad.clamp(0, 1), clean))
        after = float(peak_signal_noise_ratio(good, clean))
        values.append((before, after, float(structural_similarity(good, clean))))
    means = np.mean(values, axis=0)
    return {"sigma": sigma, "psnr_in": means[0], "psnr_out": means[1], "ssim_out": means[2], "pictures": len(paths)}


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="the 68 pictures of CBSD68")
    parser.add_argument("--model", action="append", required=True, help="bundled name or file; repeatable")
    parser.add_argument("--sigma", type=float, nargs="+", default=[15, 25, 50], help="on the 8-bit scale")
    parser.add_argument("--count", type=int, default=68)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep-tone", action="store_true", help="leave the tone alone, as --stages repair does")
    parser.add_argument("--clipped", action="store_true", help="clip the noisy picture to 0..255")
    parser.add_argument("--self-ensemble", action="store_true", help="the mean of four mirrored views")
    parser.add_argument("--precision", choices=PRECISIONS, default="float32")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    paths, results = choose([options.folder], options.count, names_file=None), []
    clipping = "clipped" if options.clipped else "not clipped"
    tone = ", tone kept" if options.keep_tone else ""
    print(f"CBSD68, {len(paths)} pictures, noise {clipping}, blind, {options.precision}, seed {options.seed}{tone}")
    for name in options.model:
        network, digest = load_restorer(name)
        for sigma in options.sigma:
            row = measured(network, paths, sigma, options)
            results.append({"model": name, "digest": digest, **row})
            print(
                f"{Path(name).stem:32s} sigma {sigma:4.0f}: {row['psnr_in']:6.2f} → {row['psnr_out']:6.2f} dB, "
                f"SSIM {row['ssim_out']:.4f}"
            )
    if options.json:
        options.json.write_text(json.dumps(results, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
