"""The rehearsal of the colab profile works; all of it takes minutes, so here
it is notebook 00 alone, with stand-ins that were taught nothing."""

import json

import rehearse

MODELS = ("Qwen/Qwen2.5-Coder-7B-Instruct", "Qwen/Qwen2.5-Coder-0.5B")


def test_a_notebook_runs_in_the_colab_profile(tmp_path):
    def lay(folder):
        import standin_data
        import standins
        for name in MODELS:
            standins.build(standins.NAMES[name],
                           folder / "models" / name / "main")
        standin_data.lay_data(folder, gsm=(4, 4), apps=50)
    code, refused = rehearse.rehearse(tmp_path, ["00"], lay=lay)
    assert (code, refused) == (0, [])
    runs = tmp_path / "copy" / "runs" / "colab"
    row, = json.loads((runs / "summary.json").read_text())["notebooks"]
    assert row["status"] == "done" and "of 8 programs" in row["headline"]
    text = (runs / "notebooks" / "00_start_here.ipynb").read_text()
    assert MODELS[0] in text            # it said which teacher it loaded
    fetched = list((tmp_path / "client" / "hub").glob("models--*"))
    assert [path.name for path in fetched] == [
        "models--" + MODELS[0].replace("/", "--")]
