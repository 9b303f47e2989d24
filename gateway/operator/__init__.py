"""The operator listener: health and metrics, apart from everything fans can reach."""
