"""Loaded by every Python whose PYTHONPATH holds this folder.

See ``helpers.tools.offline.offline_environment``.  A guard that fails to load
ends the process, since Python would otherwise carry on without it.
"""

import os

if os.environ.get("REFUSE_NETWORK") == "1":
    try:
        import importlib.util
        from pathlib import Path

        _path = Path(__file__).resolve().parents[1] / "offline.py"
        _spec = importlib.util.spec_from_file_location("_offline", _path)
        _offline = importlib.util.module_from_spec(_spec)
        _spec.loader.exec_module(_offline)
        _offline.refuse_network()
    except BaseException as error:
        os.write(2, f"the offline guard failed to load: {error!r}\n".encode())
        os._exit(70)
