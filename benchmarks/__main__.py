"""Runs every benchmark and prints its figures, then one line of ``key=value``."""

from benchmarks import evaluation, preview, report

# A report of 300 changed resources in seconds; the others are ratios.
_BOUNDS = {"evaluation_ratio": 2.0, "preview_ratio": 1.3, "report_s": 2.0}


def main() -> int:
    """Print the figures; return 1 when a ratio is above its bound."""
    figures = {**evaluation.measure(), **report.measure(), **preview.measure()}
    for name, figure in figures.items():
        bound = f"  (at most {_BOUNDS[name]})" if name in _BOUNDS else ""
        print(f"{name:>18} {figure:8.3f}{bound}")
    print(" ".join(f"{name}={figure:.3f}" for name, figure in figures.items()))
    return int(any(figures[name] > bound for name, bound in _BOUNDS.items()))


if __name__ == "__main__":
    raise SystemExit(main())
