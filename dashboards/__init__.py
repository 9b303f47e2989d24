"""What operators see in Grafana: the dashboard is built from panels.py and committed as JSON."""
